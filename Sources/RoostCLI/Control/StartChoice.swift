// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// What a command does that needs a node and finds none.
struct StartChoice: ParsableArguments {
    @Flag(name: .customLong("no-start"), help: "Do not start a node where none runs; exit with 69.")
    var refused = false

    /// For commands that make no sense without a node that runs already.
    static var never: StartChoice {
        var choice = StartChoice()
        choice.refused = true
        return choice
    }
}

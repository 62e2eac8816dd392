// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Synchronization

/// `--events` and `--wait-go`: how a harness follows and starts a stand-alone command.
struct EventContract: ParsableArguments {
    @Flag(help: "Print one JSON object a line for each event.") var events = false
    @Flag(help: "After `ready`, wait for a line `go` on standard input.") var waitGo = false

    func makeLines() -> EventLines { EventLines(isOn: events) }

    /// - Returns: false where standard input ended without it.
    func waitForGo(_ lines: EventLines) async -> Bool {
        guard waitGo else { return true }
        for await line in lines.input.lines {
            lines.input.taken()
            if line.trimmingCharacters(in: .whitespaces) == "go" { return true }
        }
        return false
    }
}

/// The lines of one command's contract with a harness.
final class EventLines: Sendable {
    let input = StandardInputLines()
    private let isOn: Bool
    private let said = Mutex<Set<String>>([])

    init(isOn: Bool) {
        self.isOn = isOn
    }

    /// Prints `{"event": name, …}`; nothing without `--events`.
    func say(_ event: String, _ values: [String: Double] = [:]) {
        guard isOn else { return }
        var text = "{\"event\":\"\(event)\""
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            text += ",\"\(key)\":" + (value == value.rounded() ? String(Int64(value)) : String(value))
        }
        Output.line(text + "}")
    }

    /// As ``say(_:_:)``, the first time only.
    func sayOnce(_ event: String) {
        if said.withLock({ $0.insert(event).inserted }) { say(event) }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Node
import Testing

@testable import RoostCLI

@Suite struct UnknownCommandTests {
    @Test(
        "The word that should name a command is named, wherever it stands and whatever follows",
        arguments: [
            (["frobnicate", "--json"], "`roost` has no command 'frobnicate'"),
            (["site", "frobnicate"], "`roost site` has no command 'frobnicate'"),
            (["dht", "--json"], "`roost dht` needs a command before '--json'"),
        ]
    )
    func named(words: [String], message: String) {
        #expect(UnknownCommand.error(in: words)?.message == message)
    }

    @Test(
        "What is right as far as it names commands is left to the parser",
        arguments: [
            [], ["help", "frobnicate"], ["publish", "--frobnicate"], ["torrent", "get", "x"], ["id", "list", "extra"],
        ]
    )
    func leftAlone(words: [String]) {
        #expect(UnknownCommand.error(in: words) == nil)
    }

    @Test("A slip of the hand is answered with what was meant; another word with the whole list")
    func guess() {
        #expect(UnknownCommand.error(in: ["pubish"])?.remedy == "Did you mean `roost publish`?")
        #expect(UnknownCommand.error(in: ["site", "shwo"])?.remedy == "Did you mean `roost site show`?")
        #expect(UnknownCommand.error(in: ["torrent", "frobnicate"])?.remedy.contains("check, create, get") == true)
    }
}

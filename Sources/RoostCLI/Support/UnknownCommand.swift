// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Node

/// The word of a command line that should name a command and does not, or is missing.
enum UnknownCommand {
    /// Nil where every word that stands for a command is one. Looks no further than the first option or argument.
    static func error(in words: some Sequence<String>) -> NodeError? {
        var path = "roost"
        var command: any ParsableCommand.Type = Roost.self
        for word in words {
            let known = Dictionary(command.configuration.subcommands.map { (name(of: $0), $0) }) { first, _ in first }
            guard !known.isEmpty, word != "help" else { return nil }
            let names = known.keys.sorted()
            let all = "It has: \(names.joined(separator: ", "))."
            if word.hasPrefix("-") {
                return NodeError(.usage, "`\(path)` needs a command before '\(word)'", remedy: all)
            }
            guard let next = known[word] else {
                let guess = nearest(to: word, in: names).map { "Did you mean `\(path) \($0)`?" }
                return NodeError(.usage, "`\(path)` has no command '\(word)'", remedy: guess ?? all)
            }
            command = next
            path += " " + word
        }
        return nil
    }

    /// Where none is given the parser takes the type's name; ours of that kind are one word.
    private static func name(of command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? String(describing: command).lowercased()
    }

    /// The name that at most two letters turn into `word`, and at most half of its own.
    static func nearest(to word: String, in names: [String]) -> String? {
        let near = names.map { (name: $0, distance: distance(from: word, to: $0)) }.min { $0.distance < $1.distance }
        guard let near, near.distance <= 2, near.distance * 2 <= word.count else { return nil }
        return near.name
    }

    /// Levenshtein's: letters to put in, take out or change.
    private static func distance(from word: String, to other: String) -> Int {
        var row = Array(0...other.count)
        for (index, letter) in word.prefix(64).enumerated() {
            var corner = row[0]
            row[0] = index + 1
            for (column, wanted) in other.enumerated() {
                let change = corner + (letter == wanted ? 0 : 1)
                corner = row[column + 1]
                row[column + 1] = min(change, corner + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }
}

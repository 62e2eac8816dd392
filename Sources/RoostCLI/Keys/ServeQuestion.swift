// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Asks a person once what a reader gives back.
enum ServeQuestion {
    /// The policy that was chosen; nil without a terminal, or where nothing sensible was answered.
    static func ask() -> String? {
        guard PassphraseInput.hasTerminal else { return nil }
        FileHandle.standardError.write(Data(question.utf8))
        switch readLine()?.trimmingCharacters(in: .whitespaces) {
        case "1", "own": return "own"
        case "", "2", "while-open": return "while-open"
        case "3", "quota": return "quota"
        default: return nil
        }
    }

    private static let question = """
        Readers can help to serve what they read. Whoever serves a site shows everybody who asks for it an address that \
        leads to this computer.
          1  own         serve my own sites only
          2  while-open  also serve a site while I have it open
          3  quota       also keep and serve what I have read, up to a limit
        Choice [2]: 
        """
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Storage

/// The keys of the home, read and changed here, whether or not a node runs: files are replaced whole, and a node opens
/// them when it needs them.
enum LocalKeys {
    static func open(_ options: GlobalOptions) -> NodeKeys {
        NodeKeys(home: home(options), passphrases: PassphraseInput.sources(options))
    }

    static func home(_ options: GlobalOptions) -> Home { Home(path: options.homeDirectory.path) }
}

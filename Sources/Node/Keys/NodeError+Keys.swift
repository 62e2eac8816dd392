// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Storage

extension NodeError {
    /// What it means to the user that a key cannot be had.
    init(_ error: KeyStoreError) {
        switch error {
        case .passphraseNeeded(let name):
            self.init(
                .notPermitted,
                "the key file keys/\(name).key is sealed with a passphrase, and none was given",
                remedy: "Give it with --passphrase-file FILE or ROOST_PASSPHRASE_FILE, or run this on a terminal."
            )
        case .passphraseWrong(let name):
            self.init(
                .notPermitted,
                "the passphrase does not open the key file keys/\(name).key, or that is damaged",
                remedy: "Give the passphrase that the home was made with, or put the file back from a copy of the home."
            )
        case .localKeyWrong(let name):
            self.init(
                .notPermitted,
                "keys/local.key is missing, damaged, or not the one that sealed the key '\(name)'",
                remedy: "Put keys/local.key back from the same copy of the home as the other keys. \(Self.withoutCopy)"
            )
        case .notPrivate(let path):
            self.init(
                .notPermitted,
                "other users may read or write the key file \(path)",
                remedy: "Think about who may have read it, then `chmod 600` it."
            )
        case .noSuchKey(let name):
            self.init(
                .noInput,
                "there is no key '\(name)' in this home",
                remedy: "Put keys/\(name).key back from a copy of the home."
            )
        case .invalidName(let name):
            self.init(.internal, "'\(name)' cannot be the name of a key", remedy: "Report this.")
        case .damaged(let name, let error): self.init(damagedKey: name, error)
        case .storage(let error): self.init(error)
        }
    }

    private init(damagedKey name: String, _ error: SealedKeyFileError) {
        switch error {
        case .unsupportedVersion:
            self.init(
                .configuration,
                "the key file keys/\(name).key was written by a later version of Roost, or is damaged",
                remedy:
                    "Use that version, or another home with --home. Where there is none: \(NodeKeys.remedy(for: name, "put"))"
            )
        case .outOfMemory:
            self.init(
                .inputOutput,
                "there is not enough memory to open the key '\(name)'",
                remedy: "Close other programs, then try again."
            )
        case .notAKeyFile, .costOutOfBounds, .tooLarge, .otherSecretNeeded, .authenticationFailed:
            self.init(
                .badData,
                "the key file keys/\(name).key is damaged",
                remedy:
                    "Run `roost doctor`, which sets a flipped bit right. Where it cannot: \(NodeKeys.remedy(for: name, "put"))"
            )
        }
    }

    /// Nothing that it sealed can be opened then, so nothing more is lost by it.
    private static let withoutCopy =
        "Without one, move the folder keys/ away: the node begins again as another device, without its identities, and own "
        + "sites come back by their recovery kits."
}

extension NodeKeys {
    /// What helps where one key file is damaged: the least that must be given up.
    static func remedy(for name: String, _ put: String = "Put") -> String {
        "\(put) keys/\(name).key back from a copy of the home"
            + (consequence(of: name).map {
                "; without one, move keys/\(name).key away, and it alone: \($0)."
            } ?? ".")
    }

    /// What helps where one key file is not there.
    static func remedy(forMissing name: String) -> String {
        "Put keys/\(name).key back from a copy of the home"
            + (consequence(of: name).map {
                "; without one, \($0)."
            } ?? ".")
    }

    /// What comes of a key that is gone for good.
    private static func consequence(of name: String) -> String? {
        if name == deviceName { return "this home is another device then, and keeps its identities and sites" }
        if name.hasPrefix("identity-") {
            return "take the identity in again with `roost id import FILE`, where it was exported"
        }
        guard name.hasPrefix("site-") else { return nil }
        return "take the site back with `roost site recover` and its recovery kit"
    }
}

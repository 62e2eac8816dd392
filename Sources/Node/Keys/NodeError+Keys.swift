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
                "the key '\(name)' is sealed with a passphrase, and none was given",
                remedy: "Give it with --passphrase-file FILE or ROOST_PASSPHRASE_FILE, or run this on a terminal."
            )
        case .passphraseWrong(let name):
            self.init(
                .notPermitted,
                "the passphrase does not open the key '\(name)', or its file is damaged",
                remedy: "Give the passphrase that the home was made with, or restore the file from a copy of the home."
            )
        case .localKeyWrong(let name):
            self.init(
                .notPermitted,
                "keys/local.key is missing or is not the one that sealed the key '\(name)'",
                remedy: "Restore keys/local.key from the same copy of the home as the other keys. \(Self.withoutCopy)"
            )
        case .notPrivate(let path):
            self.init(
                .notPermitted,
                "other users may read or write the key file \(path)",
                remedy: "Think about who may have read it, then `chmod 600` it."
            )
        case .noSuchKey(let name):
            self.init(.noInput, "there is no key '\(name)' in this home", remedy: "Restore it from a copy of the home.")
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
                "the key file '\(name)' was written by a later version of Roost",
                remedy: "Use that version, or another home with --home."
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
                "the key file '\(name)' is damaged or no key file",
                remedy: "Restore it from a copy of the home. \(Self.withoutCopy)"
            )
        }
    }

    private static let withoutCopy =
        "Without one, move the folder keys/ away: the node begins again as another device, without its identities, and own "
        + "sites come back by their recovery kits."
}

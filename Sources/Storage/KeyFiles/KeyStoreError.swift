// SPDX-License-Identifier: Apache-2.0
public import Keys

/// Why a key cannot be had. Everything but ``storage(_:)`` and ``damaged(name:_:)`` is "not permitted" to a caller.
public enum KeyStoreError: Error, Equatable {
    /// The key is sealed with a passphrase, and none was given.
    case passphraseNeeded(name: String)
    /// The passphrase is wrong, or the file is damaged: which one is not told.
    case passphraseWrong(name: String)
    /// `keys/local.key` is missing or not the one that sealed the key.
    case localKeyWrong(name: String)
    /// A key file that others may read or write. Remedy: `chmod 600`, and think about who may have read it.
    case notPrivate(path: String)
    case noSuchKey(name: String)
    case invalidName(String)
    case damaged(name: String, SealedKeyFileError)
    case storage(StorageError)
}

// SPDX-License-Identifier: Apache-2.0
public import Keys

/// Why a key cannot be had. Everything but ``storage(_:)`` and ``damaged(name:_:)`` is "not permitted" to a caller.
public enum KeyStoreError: Error, Equatable {
    /// The key is sealed with a passphrase, and none was given.
    case passphraseNeeded(name: String)
    /// The passphrase is wrong, or the file is damaged: which one is not known.
    case passphraseWrong(name: String)
    /// `keys/local.key` is missing, is no key, or opens none of the several files that it should have sealed.
    case localKeyWrong(name: String)
    /// A key file that others may read or write. Remedy: `chmod 600`, and think about who may have read it.
    case notPrivate(path: String)
    case noSuchKey(name: String)
    case invalidName(String)
    /// The file itself: its secret opens others, or it is the only one.
    case damaged(name: String, SealedKeyFileError)
    case storage(StorageError)
}

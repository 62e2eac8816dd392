// SPDX-License-Identifier: Apache-2.0

/// Why a key file does not open.
public enum SealedKeyFileError: Error, Equatable {
    case notAKeyFile
    /// Written by a later program.
    case unsupportedVersion
    /// The file asks for more passes or memory than we spend on opening, or for less than is safe.
    case costOutOfBounds
    case tooLarge
    /// A passphrase protects it and the local key was given, or the other way round.
    case otherSecretNeeded
    /// There is not as much memory as the passphrase needs.
    case outOfMemory
    /// A wrong passphrase or key, another purpose, or damage: which one is not told.
    case authenticationFailed
}

// SPDX-License-Identifier: Apache-2.0

/// Why a statement does not change what is known of an identity.
public enum IdentityError: Error, Equatable {
    case notAStatement(RecordError)
    /// A field is missing or out of bounds.
    case invalidStatement
    /// It speaks of another identity.
    case anotherIdentity
    /// It belongs to an epoch that a recovery has ended, or to a place that is already taken by the same statement.
    case outdated
    /// A different statement holds this place: somebody signed twice. Both are evidence.
    case fork
    /// Statements before it are missing.
    case gap
    /// Its signer may not do this: not the root key, or a key that was not committed to.
    case notEntitled
    /// The root or recovery keys were changed by an act that may not change them.
    case changesCommitment
}

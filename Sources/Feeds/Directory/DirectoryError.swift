// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Why a directory cannot be built or believed.
public enum DirectoryError: Error, Equatable {
    /// A node beyond 64 KiB.
    case nodeTooLarge
    case malformed(CBORError)
    /// CBOR, but not of a node's shape, or names that do not ascend.
    case invalidNode
    /// Bytes whose hash is not the one that was asked for.
    case wrongHash
    /// A name that is empty, `.`, `..`, or holds `/` or NUL.
    case invalidName
    case pathTooLong(limit: Int)
    case pathTooDeep(limit: Int)
    /// Files must come in order, each path once, and no file where a folder is.
    case notAscending
    case tooManyFiles(limit: Int)
    /// More index nodes above one leaf than any honest folder needs.
    case treeTooDeep
}

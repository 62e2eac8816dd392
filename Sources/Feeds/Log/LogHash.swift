// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// The hashing of a log's tree (RFC 9162 §2.1.1): a prefix byte keeps a leaf from ever passing for an inner node.
public enum LogHash {
    /// The root of a log without entries.
    public static var empty: Digest256 { Hash.sha256([UInt8]()) }

    /// The hash of an entry: SHA-256 of 0x00 and its bytes.
    public static func leaf(_ entry: [UInt8]) -> Digest256 { Hash.sha256([0] + entry) }

    /// The hash of an inner node: SHA-256 of 0x01, `left` and `right`.
    public static func node(_ left: Digest256, _ right: Digest256) -> Digest256 {
        var bytes: [UInt8] = [1]
        bytes.reserveCapacity(65)
        bytes.append(left)
        bytes.append(right)
        return Hash.sha256(bytes)
    }
}

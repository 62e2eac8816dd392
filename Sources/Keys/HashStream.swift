// SPDX-License-Identifier: Apache-2.0
internal import Crypto
public import Wire

/// SHA-256 over bytes that come in parts.
public struct SHA256Stream: Sendable {
    private var function = SHA256()

    /// Of nothing so far.
    public init() {}

    /// Adds a buffer that the caller keeps alive for the call: no copy.
    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe function.update(bufferPointer: $0) }
    }

    /// Adds bytes behind those before.
    public mutating func update(_ bytes: [UInt8]) { function.update(data: bytes) }

    /// The digest of all that was added; the stream is used up.
    public consuming func finish() -> Digest256 { Hash.digest256(function.finalize()) }
}

/// SHA-1 over bytes that come in parts: a v1 piece that spans files.
public struct SHA1Stream: Sendable {
    private var function = Insecure.SHA1()

    /// Of nothing so far.
    public init() {}

    /// Adds a buffer that the caller keeps alive for the call: no copy.
    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe function.update(bufferPointer: $0) }
    }

    /// The digest of all that was added; the stream is used up.
    public consuming func finish() -> Digest160 { Hash.digest160(function.finalize()) }
}

// SPDX-License-Identifier: Apache-2.0
internal import Crypto
public import Wire

/// SHA-256 over bytes that come in parts.
public struct SHA256Stream: Sendable {
    private var function = SHA256()

    public init() {}

    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe function.update(bufferPointer: $0) }
    }

    public mutating func update(_ bytes: [UInt8]) { function.update(data: bytes) }

    public consuming func finish() -> Digest256 { Hash.digest256(function.finalize()) }
}

/// SHA-1 over bytes that come in parts: a v1 piece that spans files.
public struct SHA1Stream: Sendable {
    private var function = Insecure.SHA1()

    public init() {}

    public mutating func update(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe function.update(bufferPointer: $0) }
    }

    public mutating func update(_ bytes: [UInt8]) { function.update(data: bytes) }

    public consuming func finish() -> Digest160 { Hash.digest160(function.finalize()) }
}

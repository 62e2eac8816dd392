// SPDX-License-Identifier: Apache-2.0
public import Wire

extension Multihash {
    /// The hash of `content`, cut to its first `byteCount` bytes where that is given; nil for a function that we do
    /// not compute, and for more bytes than it gives.
    public init?(of content: [UInt8], by code: Code, byteCount: Int? = nil) {
        let digest: [UInt8]
        switch code {
        case .identity: digest = content
        case .sha1: digest = Hash.sha1(content).bytes
        case .sha2x256: digest = Hash.sha256(content).bytes
        case .sha2x512: digest = Hash.sha512(content)
        default: return nil
        }
        let count = byteCount ?? digest.count
        guard (0...digest.count).contains(count) else { return nil }
        self.init(code, digest: digest.prefix(count))
    }

    /// Whether this is the full, uncut hash of `content`. A cut digest proves too little to be told by the same word.
    public func matches(_ content: [UInt8]) -> Bool { Multihash(of: content, by: code) == self }
}

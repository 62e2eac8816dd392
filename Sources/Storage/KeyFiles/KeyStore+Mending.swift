// SPDX-License-Identifier: Apache-2.0
internal import Keys

/// One bit that was flipped is found again: a sealed file tells whether it is what was written, and a key file is short.
extension KeyStore {
    /// The longest file that is tried bit by bit.
    private static let mendableBytes = 4096

    /// Whether one flipped bit is all that is wrong with a key file that the local key seals, or with the local key
    /// (``localKeyName``) itself; sets it right where `writes`. Blocks, at most for some seconds.
    public func mend(_ name: String, writes: Bool) throws(KeyStoreError) -> Bool {
        let isLocal = name == Self.localKeyName
        let path = isLocal ? localKeyPath : try path(of: name)
        guard Disk.exists(path) else { return false }
        let bytes = try privateFile(path, limit: SealedKeyFile.maximumByteCount)
        guard bytes.count <= Self.mendableBytes, let whole = isLocal ? wholeLocalKey(bytes) : whole(bytes, name) else {
            return false
        }
        if writes { try storing { () throws(StorageError) in try Disk.write(whole, durablyTo: path) } }
        return true
    }

    private func whole(_ bytes: [UInt8], _ name: String) -> [UInt8]? {
        guard let key = try? localKey(for: name) else { return nil }
        return Self.firstFlip(of: bytes) { candidate in
            guard let file = try? SealedKeyFile(candidate), file.protection == .localKey else { return false }
            return (try? file.open(with: .localKey(key), purpose: Self.purpose + name)) != nil
        }
    }

    private func wholeLocalKey(_ bytes: [UInt8]) -> [UInt8]? {
        let files = filesOfLocalKey().prefix(4)
        return Self.firstFlip(of: bytes) { candidate in
            guard let key = SecretKey(candidate) else { return false }
            return files.contains { name, file in
                (try? file.open(with: .localKey(key), purpose: Self.purpose + name)) != nil
            }
        }
    }

    /// The first of all bytes with one bit flipped that is whole; nil too where the bytes as they are would be.
    private static func firstFlip(of bytes: [UInt8], _ isWhole: ([UInt8]) -> Bool) -> [UInt8]? {
        guard !isWhole(bytes) else { return nil }
        var candidate = bytes
        for bit in 0..<bytes.count * 8 {
            candidate[bit / 8] ^= 1 << (bit % 8)
            if isWhole(candidate) { return candidate }
            candidate[bit / 8] = bytes[bit / 8]
        }
        return nil
    }
}

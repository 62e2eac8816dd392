// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// What `keys/` of a home has held, so that it is missed when it is gone: `known-keys`, `storage-layout.md` §6.
///
/// Own sites are not among it: the database knows them. What is lost stays in it until it is back, or the file is deleted.
struct KnownKeys: Equatable, Sendable {
    /// The peer in Mainline that the device is; ``unknownDevice`` where another one was lost and nobody knows which.
    var device: Digest256?
    /// What each identity is called here.
    var identities: [Digest256: String] = [:]

    static let unknownDevice = Digest256.zero
    static let maximumByteCount = 1 << 20
    private static let head = """
        # What keys/ has held, so that `roost doctor` misses it when it is gone. No secrets.
        # Without this file, what is there then counts.

        """

    /// As people see it.
    static func text(_ device: Digest256) -> String {
        guard device != unknownDevice, let peer = PeerID([0x12, 0x20] + device.bytes) else { return "another peer" }
        return "the peer \(peer)"
    }

    init() {}

    /// Nil unless the bytes are what ``encoded`` writes.
    init?(encoded: [UInt8]) {
        let lines = String(decoding: encoded, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count > 1, let digest = Digest256(hex: words[1]) else { return nil }
            switch (words[0], words.count) {
            case ("device", 2): device = digest
            case ("identity", 3): identities[digest] = words[2]
            case ("sum", 2): break
            default: return nil
            }
        }
        guard self.encoded == encoded else { return nil }
    }

    var encoded: [UInt8] {
        var text = Self.head
        if let device { text += "device \(device.hex)\n" }
        for (id, name) in identities.sorted(by: { $0.key < $1.key }) { text += "identity \(id.hex) \(name)\n" }
        return Array("\(text)sum \(Hash.sha256(Array(text.utf8)).hex)\n".utf8)
    }
}

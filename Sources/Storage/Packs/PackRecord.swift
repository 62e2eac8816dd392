// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
internal import Wire

/// What stands before the bytes of each file in a pack: `docs/protocols/storage-layout.md` §3.1.
///
/// The first byte alone ever changes, so a crash cannot tear a change; the checksum leaves it out.
struct PackRecord: Equatable {
    static let headerBytes = 56
    /// Files up to this many bytes are packed. On a disk of 4 KiB blocks a file of its own costs 2 KiB more than its bytes,
    /// on average, and a create, a sync and a rename: above this length that is under a thirtieth of it.
    static let maximumLength = 64 << 10

    private static let held = UInt8(ascii: "F")
    private static let dropped = UInt8(ascii: "D")
    private static let magic = Array("rp1".utf8)

    var root: Digest256
    /// 1…``maximumLength``.
    var length: Int
    /// Seconds since 1970.
    var storedAt: Int64
    /// False once the file was let go: its bytes may be gone.
    var isHeld = true

    /// The byte that says so, at the beginning of the record.
    static let droppedMark: [UInt8] = [dropped]

    /// Header and bytes.
    var total: Int { Self.headerBytes + length }

    init(root: Digest256, length: Int, storedAt: Int64) {
        self.root = root
        self.length = length
        self.storedAt = storedAt
    }

    /// Nil for what is no header, or fails its checksum.
    init?(_ header: ArraySlice<UInt8>) {
        guard header.count == Self.headerBytes, let first = header.first, first == Self.held || first == Self.dropped,
            header.dropFirst().starts(with: Self.magic), Self.checksum(header).elementsEqual(header.suffix(8))
        else { return nil }
        var reader = ByteReader(header.dropFirst(4))
        guard let length = reader.read(UInt32.self), (1...UInt32(Self.maximumLength)).contains(length),
            let storedAt = reader.read(UInt64.self), let root = reader.read(Digest256.self)
        else { return nil }
        self.init(root: root, length: Int(length), storedAt: Int64(bitPattern: storedAt))
        isHeld = first == Self.held
    }

    var header: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headerBytes)
        bytes.append(isHeld ? Self.held : Self.dropped)
        bytes += Self.magic
        bytes.append(bigEndian: UInt32(length))
        bytes.append(bigEndian: UInt64(bitPattern: storedAt))
        bytes.append(root)
        bytes += Self.checksum(bytes + [UInt8](repeating: 0, count: 8))
        return bytes
    }

    private static func checksum(_ header: some BidirectionalCollection<UInt8>) -> ArraySlice<UInt8> {
        Hash.sha256(Array(header.dropFirst().dropLast(8))).bytes.prefix(8)
    }

    /// Whether the bytes are those of the root.
    func matches(_ bytes: [UInt8]) -> Bool {
        // The piece length does not matter to a root.
        var hasher = FileTreeHasher(pieceLength: TorrentSpecification.blockLength)
        hasher.update(bytes)
        return hasher.finish().root == root
    }
}

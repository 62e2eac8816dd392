// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Keys
public import Wire

/// The files of a release in the order of its torrents: what both info dictionaries and the directory derive from.
///
/// On disk it is cut into chunks where the path, and nothing else, says so, and each chunk is kept once by its hash: a
/// release that changes one file of ten thousand costs one chunk of some 32 files and a list of hashes.
/// `docs/protocols/storage-layout.md` §5.2 has the format.
public struct ReleaseManifest: Equatable, Sendable {
    /// One file of a release.
    public struct File: Equatable, Sendable {
        /// From the release's root, as published: not made safe for this machine.
        public var path: [String]
        /// Bytes.
        public var length: Int64
        /// Nil for a file of no bytes.
        public var root: Digest256?
        /// Whoever exports the release may run the file.
        public var isExecutable: Bool

        /// `root` is nil exactly where `length` is 0.
        public init(path: [String], length: Int64, root: Digest256?, isExecutable: Bool) {
            self.path = path
            self.length = length
            self.root = root
            self.isExecutable = isExecutable
        }

        /// By bytes: Swift's texts would ignore Unicode normal forms, which are two files here.
        public static func == (left: File, right: File) -> Bool {
            // Components compare as bytes: two that Unicode holds equal are two files.
            left.length == right.length && left.root == right.root && left.isExecutable == right.isExecutable
                && left.path.elementsEqual(right.path) { $0.utf8.elementsEqual($1.utf8) }
        }
    }

    /// In the order of both torrents: by component, raw bytes.
    public var files: [File]

    /// `files` must be in order, without doubles.
    public init(files: [File]) {
        self.files = files
    }

    struct Chunk {
        var hash: Digest256
        var bytes: [UInt8]
    }

    private static let filesInChunk = 32
    private static let maximumFilesInChunk = 256

    var chunks: [Chunk] {
        var chunks: [Chunk] = []
        var bytes: [UInt8] = []
        var count = 0
        var previous: [UInt8] = []
        for file in files {
            let path = Array(file.path.joined(separator: "/").utf8)
            Self.append(file, path: path, after: previous, to: &bytes)
            previous = path
            count += 1
            if Self.endsChunk(path) || count == Self.maximumFilesInChunk {
                chunks.append(Chunk(hash: Hash.sha256(bytes), bytes: bytes))
                bytes = []
                previous = []
                count = 0
            }
        }
        if count > 0 { chunks.append(Chunk(hash: Hash.sha256(bytes), bytes: bytes)) }
        return chunks
    }

    /// FNV-1a: spreads well enough to cut every 32 files or so, and is no promise to anyone.
    private static func endsChunk(_ path: [UInt8]) -> Bool {
        let hash = path.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return (hash >> 32) % UInt64(filesInChunk) == 0
    }

    private static func append(_ file: File, path: [UInt8], after previous: [UInt8], to bytes: inout [UInt8]) {
        let shared = zip(path, previous).prefix { $0 == $1 }.count
        bytes.append(bigEndian: UInt16(shared))
        bytes.append(bigEndian: UInt16(path.count - shared))
        bytes += path[shared...]
        bytes.append((file.isExecutable ? 1 : 0) | (file.root == nil ? 0 : 2))
        bytes.append(bigEndian: UInt64(file.length))
        if let root = file.root { bytes.append(root) }
    }

    /// Reads what ``chunks`` wrote; nil for anything else.
    init?(chunks: [[UInt8]]) {
        files = []
        for chunk in chunks {
            var reader = ByteReader(chunk)
            var previous: [UInt8] = []
            while !reader.isAtEnd {
                guard files.count < TorrentSpecification.maximumFiles,
                    let file = Self.file(from: &reader, after: &previous)
                else { return nil }
                files.append(file)
            }
        }
    }

    private static func file(from reader: inout ByteReader, after previous: inout [UInt8]) -> File? {
        guard let shared = reader.read(UInt16.self), shared <= previous.count,
            let count = reader.read(UInt16.self), let rest = reader.read(count: Int(count)),
            case let bytes = previous[..<Int(shared)] + rest, let path = String(validating: bytes, as: UTF8.self),
            let flags = reader.read(UInt8.self), flags < 4,
            let length = reader.read(UInt64.self).flatMap(Int64.init(exactly:)),
            length <= TorrentSpecification.maximumTotalLength
        else { return nil }
        var root: Digest256?
        if flags & 2 != 0 {
            guard let value = reader.read(Digest256.self) else { return nil }
            root = value
        }
        guard (root != nil) == (length > 0) else { return nil }
        previous = Array(bytes)
        let components = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        return File(path: components, length: length, root: root, isExecutable: flags & 1 != 0)
    }
}

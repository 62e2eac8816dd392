// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a session has to know of a torrent: how its pieces are cut and what they hash to.
///
/// Complete from an info dictionary, or *sparse*: begun with nothing but piece length and count, files being added as they
/// are wanted. Memory: the piece hashes (20 or 32 bytes a piece), 48 bytes a file of v2, and a tree for each longer than a piece.
public struct TorrentContent: Sendable {
    /// More pieces than this are refused: each costs a session about 16 bytes.
    public static let maximumPieceCount = 1 << 23
    /// 128 MiB, in bytes. A piece is in memory from its first block until it is verified, so longer ones are refused, though BEP 3 and 52
    /// set no limit. Programs that make torrents stop at 16 to 128 MiB.
    public static let maximumPieceLength = 1 << 27

    /// A file of v2 that is not empty.
    public struct HashedFile: Hashable, Sendable {
        /// The file starts with it, as every file of v2 does.
        public var firstPiece: Int
        /// Bytes, at least 1.
        public var length: Int64
        /// The root of its tree, which its pieces are proven against.
        public var root: Digest256

        /// Nothing is checked here: ``TorrentContent/add(_:)`` does.
        public init(firstPiece: Int, length: Int64, root: Digest256) {
            self.firstPiece = firstPiece
            self.length = length
            self.root = root
        }
    }

    /// Bytes of a piece, the last of the torrent, or in v2 of a file, perhaps fewer.
    public let pieceLength: Int
    /// At most ``maximumPieceCount``.
    public let pieceCount: Int
    /// BEP 27: peers come from the torrent's trackers only, none from exchange or the DHT.
    public var isPrivate = false
    /// Where the files lie; nil when sparse.
    public let map: PieceMap?
    /// 20 bytes a piece; empty without v1.
    private let v1: [UInt8]
    /// By first piece.
    private(set) var files: [HashedFile]
    /// What is known of the piece hashes of files longer than a piece, by root.
    private(set) var trees: [Digest256: MerkleTree] = [:]
    /// Where files longer than a piece begin, by root; more than one where files are alike.
    private var firstPieces: [Digest256: [Int]] = [:]

    /// From a whole info dictionary.
    ///
    /// `v1`: the `pieces` string, empty where there is none.
    /// `files`: the files of v2 that are not empty, by first piece; empty where there is no v2.
    /// `trees`: what is known of their piece layers, by root; trees that are missing are begun with nothing known.
    /// Returns nil where these do not fit together.
    public init?(map: PieceMap, v1: [UInt8], files: [HashedFile], trees: [Digest256: MerkleTree] = [:]) {
        guard map.pieceCount <= Self.maximumPieceCount, map.pieceLength <= Self.maximumPieceLength,
            v1.isEmpty || v1.count == map.pieceCount * Digest160.byteCount,
            !v1.isEmpty || !files.isEmpty || map.pieceCount == 0
        else { return nil }
        pieceLength = map.pieceLength
        pieceCount = map.pieceCount
        self.map = map
        self.v1 = v1
        self.files = files
        self.trees = trees
        for file in files where file.length > Int64(pieceLength) { addTree(of: file) }
    }

    /// Of a v2 torrent whose info dictionary is not known.
    public init?(sparsePieceLength pieceLength: Int, pieceCount: Int) {
        guard PieceLength.isValidForV2(pieceLength), pieceLength <= Self.maximumPieceLength,
            (0...Self.maximumPieceCount).contains(pieceCount)
        else {
            return nil
        }
        self.pieceLength = pieceLength
        self.pieceCount = pieceCount
        map = nil
        v1 = []
        files = []
    }

    private mutating func addTree(of file: HashedFile) {
        firstPieces[file.root, default: []].append(file.firstPiece)
        guard trees[file.root] == nil else { return }
        trees[file.root] = MerkleTree(root: file.root, length: file.length, pieceLength: pieceLength)
    }

    /// The files of v2 that are known, by first piece.
    public var hashedFiles: [HashedFile] { files }

    /// Pieces are hashed by SHA-1: v1 and hybrid.
    public var hasV1: Bool { !v1.isEmpty }
    /// Files are proven by trees: v2 and hybrid, and what is sparse.
    public var hasV2: Bool { v1.isEmpty || !files.isEmpty }

    /// Adds a file of a sparse torrent; one that is known already is left as it is.
    ///
    /// - Returns: false where it does not fit into the torrent or overlaps another file.
    public mutating func add(_ file: HashedFile) -> Bool {
        let count = pieceCount(of: file)
        guard file.firstPiece >= 0, file.length > 0, file.firstPiece < pieceCount,
            count <= pieceCount - file.firstPiece
        else { return false }
        let position = files.firstIndex { $0.firstPiece >= file.firstPiece } ?? files.count
        if position < files.count, files[position].firstPiece == file.firstPiece {
            return files[position].root == file.root && files[position].length == file.length
        }
        let fitsBefore = position == files.count || file.firstPiece + count <= files[position].firstPiece
        let previous = position > 0 ? files[position - 1] : nil
        guard fitsBefore, previous.map({ $0.firstPiece + pieceCount(of: $0) <= file.firstPiece }) ?? true else {
            return false
        }
        if count > 1 { addTree(of: file) }
        files.insert(file, at: position)
        return true
    }

    /// The pieces that the file takes; its last may be short.
    public func pieceCount(of file: HashedFile) -> Int {
        file.length <= 0 ? 0 : Int((file.length - 1) / Int64(pieceLength)) + 1
    }

    /// The pieces of a file.
    public func pieces(of file: HashedFile) -> Range<Int> { file.firstPiece..<file.firstPiece + pieceCount(of: file) }

    /// The number in ``files`` of the file that holds the piece.
    func fileIndex(ofPiece piece: Int) -> Int? {
        var low = 0
        var high = files.count
        while low < high {
            let middle = (low + high) / 2
            if files[middle].firstPiece <= piece { low = middle + 1 } else { high = middle }
        }
        guard low > 0, pieces(of: files[low - 1]).contains(piece) else { return nil }
        return low - 1
    }

    /// Bytes of the piece without padding at its end; nil for a piece of which nothing is known yet.
    public func dataLength(of piece: Int) -> Int? {
        guard piece >= 0, piece < pieceCount else { return nil }
        if let index = fileIndex(ofPiece: piece) {
            let start = Int64(piece - files[index].firstPiece) * Int64(pieceLength)
            return Int(min(Int64(pieceLength), files[index].length - start))
        }
        return map.map { $0.dataLength(of: PieceIndex(Int32(piece))) }
    }

    /// Bytes of the piece as others may ask for it, padding included.
    public func wireLength(of piece: Int) -> Int? {
        guard piece >= 0, piece < pieceCount else { return nil }
        return map.map { $0.length(of: PieceIndex(Int32(piece))) } ?? dataLength(of: piece)
    }

    /// What the piece must hash to; nil while that is not known.
    public func check(of piece: Int) -> PieceCheck? {
        guard let data = dataLength(of: piece), let wire = wireLength(of: piece) else { return nil }
        let sha1 = v1.isEmpty ? nil : Digest160(v1[piece * Digest160.byteCount..<(piece + 1) * Digest160.byteCount])
        var check = PieceCheck(piece: PieceIndex(Int32(piece)), dataLength: data, paddedLength: wire, v1: sha1, v2: nil)
        if let index = fileIndex(ofPiece: piece) {
            let file = files[index]
            if pieceCount(of: file) == 1 {
                check.v2 = file.root
            } else if let hash = trees[file.root]?.pieceHash(piece - file.firstPiece) {
                check.v2 = hash
                check.v2Height = Merkle.pieceLayer(pieceLength: pieceLength)
            }
            // What v2 promises must be checked, even where a v1 hash would do.
            if check.v2 == nil { return nil }
        }
        return check.v1 == nil && check.v2 == nil ? nil : check
    }

    /// What to ask a peer so as to learn the hash of a piece; nil where it is known or there is none to learn.
    func hashRequest(forPiece piece: Int) -> HashRequest? {
        guard let index = fileIndex(ofPiece: piece) else { return nil }
        return trees[files[index].root]?.request(forPiece: piece - files[index].firstPiece)
    }

    /// What to ask a peer so as to learn which block of a piece is bad; nil in v1 and for a piece of one block.
    func leafRequest(ofPiece piece: Int) -> HashRequest? {
        guard let index = fileIndex(ofPiece: piece) else { return nil }
        return trees[files[index].root]?.leafRequest(forPiece: piece - files[index].firstPiece)
    }

    /// The piece layers that are known completely, by root, each as it stands in a .torrent file.
    public var pieceLayers: [Digest256: [UInt8]] { trees.compactMapValues(\.pieceLayerBytes) }

    /// Takes the whole piece layer of a file; one that does not lead to the root changes nothing.
    public mutating func setPieceLayer(_ bytes: [UInt8], of root: Digest256) { _ = trees[root]?.setPieceLayer(bytes) }

    /// Takes a peer's answer to a request for hashes.
    mutating func accept(_ hashes: [Digest256], for request: HashRequest) -> MerkleTree.Acceptance {
        trees[request.piecesRoot]?.accept(hashes, for: request) ?? .notUsable
    }

    /// The first pieces of the files longer than a piece with this root.
    func firstPieces(ofRoot root: Digest256) -> [Int] { firstPieces[root] ?? [] }

    /// Whether ``check(of:)`` has an answer.
    func isHashKnown(of piece: Int) -> Bool {
        guard !files.isEmpty else { return hasV1 && piece >= 0 && piece < pieceCount }
        guard let index = fileIndex(ofPiece: piece) else { return hasV1 }
        let file = files[index]
        return file.length <= Int64(pieceLength) || trees[file.root]?.pieceHash(piece - file.firstPiece) != nil
    }
}

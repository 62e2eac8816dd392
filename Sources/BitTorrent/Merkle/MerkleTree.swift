// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// What is known of one file's BEP 52 tree: its root from the start, its piece layer as proven parts of it arrive.
///
/// Keeps the piece layer in runs of 512 and the proven nodes above those runs; leaves are never kept. Memory: 32 bytes
/// a piece in the runs touched, and about 64 bytes a run. Nothing enters that does not prove itself against the root.
public struct MerkleTree: Sendable {
    /// What became of hashes that a peer sent.
    public enum Acceptance: Equatable, Sendable {
        /// The hashes of these pieces of the file are known now.
        case pieces(Range<Int>)
        /// Proven leaf hashes, from leaf number `first` of the file; they are not kept.
        case leaves(first: Int, [Digest256])
        /// The hashes do not lead to a node that is known: whoever sent them lied.
        case refused
        /// Not what was asked for, or a proof that ends below all that is known.
        case notUsable
    }

    private struct Node: Hashable {
        var layer: Int
        var index: Int
    }

    /// What everything is proven against.
    public let root: Digest256
    /// Bytes of the file, at least 1.
    public let length: Int64
    /// Blocks of 16 KiB, the last one perhaps short.
    public let leafCount: Int
    /// How many pieces the file has.
    public let pieceCount: Int
    /// The layer whose hashes cover a piece each; the root's own where the file is no longer than a piece.
    public let pieceLayer: Int
    /// Layers above the leaves.
    public let height: Int

    private let leavesPerPiece: Int
    /// Runs of the piece layer by number; zero where a hash is not known.
    private var runs: [Int: [Digest256]] = [:]
    /// Proven nodes above the runs.
    private var proven: [Node: Digest256] = [:]
    private var knownPieces = 0

    private static let runHeight = Merkle.height(of: HashRequest.preferredLength)

    /// - Returns: nil where the length is none that a torrent may have, or the piece length not one of v2.
    public init?(root: Digest256, length: Int64, pieceLength: Int) {
        guard (1...TorrentSpecification.maximumTotalLength).contains(length), PieceLength.isValidForV2(pieceLength)
        else {
            return nil
        }
        self.root = root
        self.length = length
        leafCount = Merkle.leafCount(length: length)
        height = Merkle.height(of: leafCount)
        pieceLayer = min(Merkle.pieceLayer(pieceLength: pieceLength), height)
        leavesPerPiece = 1 << pieceLayer
        pieceCount = (leafCount - 1) >> pieceLayer + 1
        if pieceCount == 1 { store(root, piece: 0) }
    }

    /// Whether the whole piece layer is known.
    public var isComplete: Bool { knownPieces == pieceCount }

    /// The hash of a piece of the file, counted from the file's first; nil where it is not known.
    public func pieceHash(_ piece: Int) -> Digest256? {
        guard (0..<pieceCount).contains(piece), let run = runs[piece >> Self.runHeight] else { return nil }
        let hash = run[piece & (HashRequest.preferredLength - 1)]
        return hash == .zero ? nil : hash
    }

    /// The piece layer as it stands in a .torrent file: 32 bytes a piece; nil while it is not complete, and for a file
    /// of a single piece, which has none.
    public var pieceLayerBytes: [UInt8]? {
        guard isComplete, pieceCount > 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(pieceCount * Digest256.byteCount)
        for piece in 0..<pieceCount { bytes.append(pieceHash(piece) ?? .zero) }
        return bytes
    }

    /// Takes a whole piece layer, as it stands in a .torrent file.
    ///
    /// - Returns: false, and nothing is kept, where it has another size or does not lead to the root.
    public mutating func setPieceLayer(_ bytes: some RandomAccessCollection<UInt8>) -> Bool {
        guard let hashes = Self.verified(layer: bytes, root: root, count: pieceCount, layer: pieceLayer) else {
            return false
        }
        for (piece, hash) in hashes.enumerated() { store(hash, piece: piece) }
        closeRuns(holding: 0..<pieceCount)
        return true
    }

    /// The hashes in a piece layer, where there are `count` and they lead to `root`.
    static func verified(
        layer bytes: some RandomAccessCollection<UInt8>,
        root: Digest256,
        count: Int,
        layer: Int
    ) -> [Digest256]? {
        guard bytes.count == count * Digest256.byteCount else { return nil }
        var reader = ByteReader(Array(bytes))
        var hashes: [Digest256] = []
        hashes.reserveCapacity(count)
        while let hash = reader.read(Digest256.self) { hashes.append(hash) }
        return Merkle.root(of: hashes, layer: layer) == root ? hashes : nil
    }

    // MARK: Asking

    /// What to ask a peer so as to learn the hash of `piece`; nil where it is known. Proof goes up to what is known.
    public func request(forPiece piece: Int) -> HashRequest? {
        guard (0..<pieceCount).contains(piece), pieceHash(piece) == nil else { return nil }
        let first = (piece >> Self.runHeight) << Self.runHeight
        // Up to the next power of two, padding included, is what other clients ask for.
        let length = min(HashRequest.preferredLength, 1 << Merkle.height(of: pieceCount - first))
        return request(layer: pieceLayer, index: first, length: length)
    }

    /// What to ask a peer so as to learn which block of `piece` is bad. Nil for a piece of a single leaf.
    public func leafRequest(forPiece piece: Int) -> HashRequest? {
        guard (0..<pieceCount).contains(piece), leavesPerPiece > 1 else { return nil }
        let first = piece << pieceLayer
        let length = min(leavesPerPiece, HashRequest.maximumLength)
        return request(layer: 0, index: first, length: length)
    }

    private func request(layer: Int, index: Int, length: Int) -> HashRequest {
        let rise = Merkle.height(of: length)
        var node = Node(layer: layer + rise, index: index >> rise)
        var siblings = 0
        while self.node(node) == nil, node.layer < height {
            node = Node(layer: node.layer + 1, index: node.index >> 1)
            siblings += 1
        }
        return HashRequest(
            piecesRoot: root,
            baseLayer: layer,
            index: index,
            length: length,
            proofLayers: max(0, siblings + rise - 1)
        )
    }

    // MARK: Taking an answer

    /// Takes the answer to `request`: the hashes of the base layer, then the siblings up to the proof's end.
    public mutating func accept(_ hashes: [Digest256], for request: HashRequest) -> Acceptance {
        guard request.piecesRoot == root, request.isValid(treeHeight: height, leafCount: leafCount),
            request.baseLayer == pieceLayer || request.baseLayer == 0, hashes.count == request.answerCount
        else { return .notUsable }
        var stack = MerkleStack(layer: request.baseLayer)
        for hash in hashes.prefix(request.length) { stack.append(hash) }
        let rise = request.height
        var node = Node(layer: request.baseLayer + rise, index: request.index >> rise)
        var path: [(node: Node, hash: Digest256)] = [(node, stack.root(height: rise))]
        for sibling in hashes.dropFirst(request.length) {
            guard self.node(node) == nil else { break }
            let own = path[path.count - 1].hash
            let isRight = node.index & 1 == 1
            path.insert((Node(layer: node.layer, index: node.index ^ 1), sibling), at: path.count - 1)
            node = Node(layer: node.layer + 1, index: node.index >> 1)
            path.append((node, isRight ? Hash.sha256(sibling, own) : Hash.sha256(own, sibling)))
        }
        guard let known = self.node(node) else { return .notUsable }
        guard path[path.count - 1].hash == known else { return .refused }
        for entry in path { keep(entry.hash, at: entry.node) }
        return take(Array(hashes.prefix(request.length)), for: request)
    }

    private mutating func take(_ hashes: [Digest256], for request: HashRequest) -> Acceptance {
        if request.baseLayer == pieceLayer {
            let end = max(request.index, min(request.index + request.length, pieceCount))
            let pieces = request.index..<end
            for piece in pieces { store(hashes[piece - request.index], piece: piece) }
            closeRuns(holding: pieces)
            return .pieces(pieces)
        }
        let count = max(0, min(request.length, leafCount - request.index))
        return .leaves(first: request.index, Array(hashes.prefix(count)))
    }

    /// Keeps a proven node where this tree keeps such: in the piece layer, or above its runs.
    private mutating func keep(_ hash: Digest256, at node: Node) {
        if node.layer == pieceLayer, node.index < pieceCount {
            store(hash, piece: node.index)
            closeRun(node.index >> Self.runHeight)
        } else if node.layer >= pieceLayer + Self.runHeight, node.layer < height, !isPadding(node) {
            proven[node] = hash
        }
    }

    private mutating func store(_ hash: Digest256, piece: Int) {
        let number = piece >> Self.runHeight
        let first = number << Self.runHeight
        let slot = piece - first
        let count = min(HashRequest.preferredLength, pieceCount - first)
        guard hash != .zero, runs[number]?[slot] ?? .zero == .zero else { return }
        runs[number, default: Array(repeating: .zero, count: count)][slot] = hash
        knownPieces += 1
    }

    private mutating func closeRuns(holding pieces: Range<Int>) {
        guard let last = pieces.last else { return }
        for number in pieces.lowerBound >> Self.runHeight...last >> Self.runHeight { closeRun(number) }
    }

    /// Once a run is complete its root is kept, and every node above that it completes.
    private mutating func closeRun(_ number: Int) {
        let layer = pieceLayer + Self.runHeight
        guard layer < height, let run = runs[number], !run.contains(.zero) else { return }
        var node = Node(layer: layer, index: number)
        var hash = Merkle.root(of: padded(run), layer: pieceLayer)
        proven[node] = hash
        while node.layer + 1 < height, let sibling = self.node(Node(layer: node.layer, index: node.index ^ 1)) {
            hash = node.index & 1 == 1 ? Hash.sha256(sibling, hash) : Hash.sha256(hash, sibling)
            node = Node(layer: node.layer + 1, index: node.index >> 1)
            proven[node] = hash
        }
    }

    private func padded(_ run: [Digest256]) -> [Digest256] {
        let missing = HashRequest.preferredLength - run.count
        return run + Array(repeating: Merkle.padding(layer: pieceLayer), count: missing)
    }

    // MARK: Answering

    /// The pieces of the file whose leaf hashes are needed to answer `request`; nil where none are.
    public func piecesToHash(for request: HashRequest) -> Range<Int>? {
        guard request.baseLayer < pieceLayer, request.isValid(treeHeight: height, leafCount: leafCount) else {
            return nil
        }
        let last = request.index + (1 << request.height) - 1
        let shift = pieceLayer - request.baseLayer
        let first = request.index >> shift
        guard first < pieceCount else { return nil }
        return first..<min(last >> shift + 1, pieceCount)
    }

    /// The answer to a peer's request: the hashes asked for and the siblings that prove them.
    ///
    /// `leaves` are the leaf hashes of the pieces that ``piecesToHash(for:)`` names, in order, without padding.
    ///
    /// - Returns: nil where the request is not valid or something it needs is not known: to be rejected.
    public func answer(_ request: HashRequest, leaves: [Digest256] = []) -> [Digest256]? {
        guard request.piecesRoot == root, request.isValid(treeHeight: height, leafCount: leafCount) else { return nil }
        var hashes: [Digest256] = []
        hashes.reserveCapacity(request.answerCount)
        let below = LeafWindow(leaves: leaves, firstPiece: piecesToHash(for: request)?.lowerBound ?? 0, tree: self)
        for index in request.index..<request.index + request.length {
            guard let hash = hash(Node(layer: request.baseLayer, index: index), below: below) else { return nil }
            hashes.append(hash)
        }
        let rise = request.height
        var node = Node(layer: request.baseLayer + rise, index: request.index >> rise)
        for _ in 0..<request.proofCount {
            guard let sibling = hash(Node(layer: node.layer, index: node.index ^ 1), below: below) else { return nil }
            hashes.append(sibling)
            node = Node(layer: node.layer + 1, index: node.index >> 1)
        }
        return hashes
    }

    /// Leaf hashes that the caller has at hand for one answer.
    private struct LeafWindow {
        var leaves: [Digest256]
        var firstLeaf: Int

        init(leaves: [Digest256], firstPiece: Int, tree: MerkleTree) {
            self.leaves = leaves
            firstLeaf = firstPiece << tree.pieceLayer
        }

        /// The root over the leaves under a node; nil where some are not here.
        func root(layer: Int, index: Int, leafCount: Int) -> Digest256? {
            let first = index << layer - firstLeaf
            let end = min((index + 1) << layer, leafCount) - firstLeaf
            guard first >= 0, first < end, end <= leaves.count else { return nil }
            var stack = MerkleStack(layer: 0)
            for leaf in leaves[first..<end] { stack.append(leaf) }
            return stack.root(height: layer)
        }
    }

    private func hash(_ node: Node, below: LeafWindow) -> Digest256? {
        if isPadding(node) { return Merkle.padding(layer: node.layer) }
        if node.layer < pieceLayer { return below.root(layer: node.layer, index: node.index, leafCount: leafCount) }
        return self.node(node)
    }

    private func isPadding(_ node: Node) -> Bool { node.index > (leafCount - 1) >> node.layer }

    /// A node at or above the piece layer, where it is known or follows from what is.
    private func node(_ node: Node) -> Digest256? {
        if node.layer == height { return root }
        if isPadding(node) { return Merkle.padding(layer: node.layer) }
        if node.layer < pieceLayer { return nil }
        if node.layer == pieceLayer { return pieceHash(node.index) }
        if node.layer >= pieceLayer + Self.runHeight { return proven[node] }
        let rise = node.layer - pieceLayer
        let first = node.index << rise
        guard let run = runs[first >> Self.runHeight] else { return nil }
        let start = first & (HashRequest.preferredLength - 1)
        let covered = run[start..<min(start + 1 << rise, run.count)]
        guard !covered.contains(.zero) else { return nil }
        var stack = MerkleStack(layer: pieceLayer)
        for hash in covered { stack.append(hash) }
        return stack.root(height: rise)
    }
}

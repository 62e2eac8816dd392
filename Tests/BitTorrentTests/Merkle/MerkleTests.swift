// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Keys
import TestSupport
import Testing
import Wire

/// The plain definition of BEP 52, every layer in full, to hold the product's shortcuts against.
private func plainRoot(_ leaves: [Digest256], padding: Digest256 = .zero) -> Digest256 {
    var layer = leaves
    while layer.count & (layer.count - 1) != 0 { layer.append(padding) }
    while layer.count > 1 {
        layer = stride(from: 0, to: layer.count, by: 2).map { Hash.sha256(layer[$0], layer[$0 + 1]) }
    }
    return layer.first ?? padding
}

func leaves(_ count: Int, seed: UInt64) -> [Digest256] {
    var random = SplitMix64(seed: seed)
    return (0..<count).compactMap { _ in Digest256(random.bytes(32)) }
}

@Suite("Merkle trees")
struct MerkleTests {
    @Test("BEP 52: the root is over the next power of two of leaves, the missing ones zero", arguments: 1...70)
    func root(count: Int) {
        let nodes = leaves(count, seed: UInt64(count))
        #expect(Merkle.root(of: nodes, layer: 0) == plainRoot(nodes))
        let padding = Merkle.padding(layer: 3)
        #expect(Merkle.root(of: nodes, layer: 3) == plainRoot(nodes, padding: padding))
    }

    @Test("a padding hash is the root over zero leaves")
    func padding() {
        for layer in 0...6 {
            #expect(Merkle.padding(layer: layer) == plainRoot(Array(repeating: .zero, count: 1 << layer)))
        }
    }

    @Test("the root of a piece's bytes is that of its leaves, with zero leaves up to the piece")
    func bytes() {
        for count in [1, 16_383, 16_384, 16_385, 70_000, 131_072] {
            var random = SplitMix64(seed: UInt64(count))
            let data = random.bytes(count)
            var nodes = stride(from: 0, to: count, by: 16_384).map { Hash.sha256(data[$0..<min($0 + 16_384, count)]) }
            #expect(Merkle.root(of: data) == plainRoot(nodes))
            nodes += Array(repeating: .zero, count: 16 - nodes.count)
            #expect(Merkle.root(of: data, height: 4) == plainRoot(nodes))
        }
    }

    @Test("heights and leaf counts at their edges")
    func heights() {
        #expect([0, 1, 2, 3, 4, 5, 512, 513].map(Merkle.height(of:)) == [0, 0, 1, 2, 2, 3, 9, 10])
        #expect(Merkle.leafCount(length: 0) == 0)
        #expect(Merkle.leafCount(length: 16_384) == 1)
        #expect(Merkle.leafCount(length: 16_385) == 2)
        #expect(Merkle.leafCount(length: .max) > 0)
    }
}

@Suite("Merkle proofs")
struct MerkleTreeTests {
    /// A tree that knows everything, and its pieces' leaves.
    private func full(
        pieces: Int,
        layer: Int,
        lastLeaves: Int? = nil,
        seed: UInt64 = 1
    ) throws -> (
        tree: MerkleTree, leaves: [Digest256], pieceLength: Int
    ) {
        let perPiece = 1 << layer
        let count = (pieces - 1) * perPiece + (lastLeaves ?? perPiece)
        let all = leaves(count, seed: seed)
        let hashes = stride(from: 0, to: count, by: perPiece).map { start in
            var stack = MerkleStack(layer: 0)
            for leaf in all[start..<min(start + perPiece, count)] { stack.append(leaf) }
            return stack.root(height: pieces > 1 ? layer : nil)
        }
        let root = pieces > 1 ? Merkle.root(of: hashes, layer: layer) : hashes[0]
        let pieceLength = 16_384 << layer
        var tree = try #require(MerkleTree(root: root, length: Int64(count) * 16_384, pieceLength: pieceLength))
        let isTaken = pieces == 1 || tree.setPieceLayer(hashes.flatMap(\.bytes))
        #expect(isTaken)
        return (tree, all, pieceLength)
    }

    private func empty(like tree: MerkleTree, pieceLength: Int) throws -> MerkleTree {
        try #require(MerkleTree(root: tree.root, length: tree.length, pieceLength: pieceLength))
    }

    @Test(
        "BEP 52: a piece layer asked for in runs is learnt whole, whatever the order",
        arguments: [1, 2, 3, 5, 511, 512, 513, 700, 1024, 1025, 2600]
    )
    func pieceLayer(pieces: Int) throws {
        let (tree, _, pieceLength) = try full(pieces: pieces, layer: 2, lastLeaves: 3)
        var learner = try empty(like: tree, pieceLength: pieceLength)
        var order = Array(0..<pieces)
        var random = SplitMix64(seed: UInt64(pieces))
        order.shuffle(using: &random)
        for piece in order {
            guard let request = learner.request(forPiece: piece) else { continue }
            #expect(request.length & (request.length - 1) == 0 && request.index % request.length == 0)
            let answer = try #require(tree.answer(request))
            #expect(answer.count == request.answerCount)
            guard case .pieces(let range) = learner.accept(answer, for: request) else {
                Issue.record("answer to \(request) not accepted")
                return
            }
            #expect(range.contains(piece))
            #expect(learner.pieceHash(piece) == tree.pieceHash(piece))
        }
        #expect(learner.isComplete)
        #expect(learner.pieceLayerBytes == tree.pieceLayerBytes)
    }

    @Test("what a learner has proven it can prove to the next")
    func relay() throws {
        let (tree, _, pieceLength) = try full(pieces: 1500, layer: 1)
        var first = try empty(like: tree, pieceLength: pieceLength)
        var second = first
        let request = try #require(first.request(forPiece: 600))
        let answer = try #require(tree.answer(request))
        _ = first.accept(answer, for: request)
        #expect(first.answer(request) == answer)
        let result = second.accept(answer, for: request)
        #expect(result == .pieces(512..<1024))
        // Now that the neighbourhood is known, a proof ends sooner.
        let next = try #require(first.request(forPiece: 0))
        #expect(next.proofCount == 0)
        #expect(first.answer(next) == nil)
    }

    @Test("any changed hash is refused and leaves nothing behind")
    func forged() throws {
        let (tree, _, pieceLength) = try full(pieces: 600, layer: 0)
        let learner = try empty(like: tree, pieceLength: pieceLength)
        let request = try #require(learner.request(forPiece: 3))
        let answer = try #require(tree.answer(request))
        var random = SplitMix64(seed: 7)
        for _ in 0..<50 {
            var copy = learner
            var bad = answer
            bad[Int.random(in: bad.indices, using: &random)] = leaves(1, seed: random.next())[0]
            let result = copy.accept(bad, for: request)
            #expect(result == .refused)
            #expect(copy.pieceHash(3) == nil)
        }
        var copy = learner
        let result = copy.accept(Array(answer.dropLast()), for: request)
        #expect(result == .notUsable)
        let nothing = copy.accept([], for: request)
        #expect(nothing == .notUsable)
    }

    @Test("BEP 52: leaf hashes of a piece are proven up to the root, to find the bad block")
    func leafProof() throws {
        for (pieces, last) in [(1, 5), (9, 1), (700, 8)] {
            let (tree, all, pieceLength) = try full(pieces: pieces, layer: 3, lastLeaves: last)
            for learnt in [true, false] {
                var learner = learnt ? tree : try empty(like: tree, pieceLength: pieceLength)
                for piece in Set([0, pieces - 1]) {
                    let request = try #require(learner.leafRequest(forPiece: piece))
                    #expect(tree.piecesToHash(for: request) == piece..<piece + 1)
                    let own = Array(all[piece * 8..<min(piece * 8 + 8, all.count)])
                    let answer = try #require(tree.answer(request, leaves: own))
                    let result = learner.accept(answer, for: request)
                    #expect(result == .leaves(first: piece * 8, own))
                    #expect(tree.answer(request) == nil)
                }
            }
        }
    }

    @Test("requests that no tree satisfies are rejected, never a trap")
    func hostileRequests() throws {
        let (tree, all, _) = try full(pieces: 37, layer: 2, lastLeaves: 1)
        var random = SplitMix64(seed: 3)
        let extremes = [0, 1, 2, 3, 37, 64, 512, 8192, 8193, -1, Int(UInt32.max), Int.max, Int.min]
        for _ in 0..<4000 {
            let values = (0..<4).map { _ in
                Bool.random(using: &random)
                    ? extremes.randomElement(using: &random) ?? 0 : Int.random(in: 0...70, using: &random)
            }
            let request = HashRequest(
                piecesRoot: tree.root,
                baseLayer: values[0],
                index: values[1],
                length: values[2],
                proofLayers: values[3]
            )
            let pieces = tree.piecesToHash(for: request)
            let window = pieces.map { Array(all[$0.lowerBound * 4..<min($0.upperBound * 4, all.count)]) } ?? []
            if let answer = tree.answer(request, leaves: window) {
                #expect(answer.count == request.answerCount)
                var learner = tree
                if request.baseLayer == 0 || request.baseLayer == tree.pieceLayer {
                    let result = learner.accept(answer, for: request)
                    #expect(result != .refused)
                }
            }
            var learner = tree
            _ = learner.accept(leaves(Int.random(in: 0...5, using: &random), seed: 1), for: request)
        }
    }

    @Test("files beyond the limits have no tree")
    func limits() {
        #expect(MerkleTree(root: .zero, length: 0, pieceLength: 16_384) == nil)
        #expect(MerkleTree(root: .zero, length: .max, pieceLength: 16_384) == nil)
        #expect(MerkleTree(root: .zero, length: -5, pieceLength: 16_384) == nil)
        #expect(MerkleTree(root: .zero, length: 5, pieceLength: 20_000) == nil)
        #expect(MerkleTree(root: .zero, length: 1 << 44, pieceLength: 16_384)?.pieceCount == 1 << 30)
    }
}

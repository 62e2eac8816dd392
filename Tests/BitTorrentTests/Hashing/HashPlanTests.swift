// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import Keys
import TestSupport
import Testing
import Wire

@Suite("Hashing in one pass")
struct HashPlanTests {
    private static func tree(seed: UInt64, files: Int, longest: Int) -> SampleTree {
        var random = SplitMix64(seed: seed)
        let edges = [0, 1, 16_383, 16_384, 16_385, 32_768, 65_536]
        return SampleTree(
            files: (0..<files).map { index in
                let count =
                    Bool.random(using: &random)
                    ? edges.randomElement(using: &random) ?? 0 : Int.random(in: 0...longest, using: &random)
                return SampleTree.File(path: ["\(index)"], content: random.bytes(count))
            }
        )
    }

    @Test(
        "any cut into jobs, any order of results and any feeding gives the hashes of the plain definition",
        arguments: 0..<12
    )
    func plain(seed: Int) throws {
        let tree = Self.tree(seed: UInt64(seed), files: 9, longest: 150_000)
        var random = SplitMix64(seed: UInt64(seed))
        let pieceLength = [16_384, 32_768, 131_072][seed % 3]
        for layout in [HashPlan.V1Layout.contiguous, .padded, .none] {
            let plan = try #require(tree.plan(pieceLength, layout, jobLength: pieceLength * (1 + seed % 3)))
            var order = Array(0..<plan.jobCount)
            order.shuffle(using: &random)
            let chunk = Int.random(in: 1000...70_000, using: &random)
            let hashes = try #require(tree.hashes(plan, order: order, chunk: chunk))
            #expect(hashes.v1Pieces == plainPieces(tree, pieceLength, layout))
            for (file, found) in zip(tree.files, hashes.files) {
                #expect(found.root == (file.content.isEmpty ? nil : Merkle.root(of: file.content)))
                let isLong = file.content.count > pieceLength
                #expect(found.pieceLayer == (isLong ? plainLayer(file.content, pieceLength) : []))
                var hasher = FileTreeHasher(pieceLength: pieceLength)
                hasher.update(file.content)
                #expect(hasher.finish() == found)
            }
        }
    }

    private func plainPieces(_ tree: SampleTree, _ pieceLength: Int, _ layout: HashPlan.V1Layout) -> [UInt8] {
        guard layout != .none else { return [] }
        var all: [UInt8] = []
        for file in tree.files {
            all += file.content
            if layout == .padded { while all.count % pieceLength != 0 { all.append(0) } }
        }
        return stride(from: 0, to: all.count, by: pieceLength).flatMap {
            Hash.sha1(all[$0..<min($0 + pieceLength, all.count)]).bytes
        }
    }

    private func plainLayer(_ content: [UInt8], _ pieceLength: Int) -> [UInt8] {
        stride(from: 0, to: content.count, by: pieceLength).flatMap { start in
            let piece = Array(content[start..<min(start + pieceLength, content.count)])
            return Merkle.root(of: piece, height: Merkle.pieceLayer(pieceLength: pieceLength)).bytes
        }
    }

    @Test("every byte is read by exactly one job")
    func onceOnly() throws {
        let tree = Self.tree(seed: 77, files: 30, longest: 60_000)
        let plan = try #require(tree.plan(16_384, .padded, jobLength: 40_000))
        var next = tree.files.map { _ in Int64(0) }
        for job in 0..<plan.jobCount {
            for segment in plan.segments(ofJob: job) where !segment.isPadding {
                #expect(segment.offset == next[segment.file])
                next[segment.file] += Int64(segment.length)
            }
        }
        #expect(next == tree.files.map { Int64($0.content.count) })
    }

    @Test("a file that grew or shrank while it was read gives no result")
    func changed() throws {
        let tree = SampleTree(files: [SampleTree.File(path: ["a"], content: [1, 2, 3])])
        let plan = try #require(tree.plan(16_384, .contiguous))
        for bytes: [UInt8] in [[1, 2], [1, 2, 3, 4], []] {
            var runner = plan.runner(forJob: 0)
            runner.update(bytes)
            #expect(runner.finish() == nil)
        }
        #expect(HashAssembler(plan).finish() == nil)
    }

    @Test("files are reported as soon as their last job is in")
    func completion() throws {
        let tree = SampleTree(
            files: [40_000, 10, 0, 20_000].enumerated().map {
                SampleTree.File(path: ["\($0)"], content: SampleTree.content(seed: UInt32($0), count: $1))
            }
        )
        let plan = try #require(tree.plan(16_384, .contiguous, jobLength: 16_384))
        var assembler = HashAssembler(plan)
        var reported: [[Int]] = []
        for job in 0..<plan.jobCount {
            var runner = plan.runner(forJob: job)
            for segment in runner.segments {
                let start = Int(segment.offset)
                runner.update(Array(tree.files[segment.file].content[start..<start + segment.length]))
            }
            let result = try #require(runner.finish())
            reported.append(assembler.add(result))
        }
        #expect(reported == [[], [], [0, 1], [3]])
        #expect(assembler[0].root == Merkle.root(of: tree.files[0].content))
    }

    @Test("lengths and piece lengths beyond the limits make no plan")
    func limits() {
        #expect(HashPlan(lengths: [-1], pieceLength: 16_384, v1: .padded, hasV2: true) == nil)
        #expect(HashPlan(lengths: [.max, .max], pieceLength: 16_384, v1: .padded, hasV2: true) == nil)
        #expect(HashPlan(lengths: [5], pieceLength: 0, v1: .padded, hasV2: true) == nil)
        #expect(HashPlan(lengths: [5], pieceLength: 20_000, v1: .contiguous, hasV2: true) == nil)
        #expect(HashPlan(lengths: [5], pieceLength: 20_000, v1: .contiguous, hasV2: false)?.jobCount == 1)
        #expect(HashPlan(lengths: [], pieceLength: 16_384, v1: .contiguous, hasV2: true)?.jobCount == 0)
    }
}

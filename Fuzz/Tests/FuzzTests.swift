// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import TestSupport
internal import Testing

/// The fuzz targets without the fuzzer: their samples, damaged samples, and every input that once broke something.
@Suite("Fuzz targets")
struct FuzzTests {
    static let names = FuzzTarget.all.map(\.name)

    private static func target(_ name: String) throws -> FuzzTarget {
        try #require(FuzzTarget.all.first { $0.name == name })
    }

    @Test("a target has a name of its own, and something to begin with")
    func table() {
        #expect(Set(Self.names).count == Self.names.count)
        for target in FuzzTarget.all {
            #expect(!target.samples().isEmpty || !target.vectors.isEmpty, "\(target.name) begins with nothing")
            #expect(
                target.samples().allSatisfy { $0.count <= target.maximumLength },
                "\(target.name) has too long a sample"
            )
        }
    }

    @Test("what a target states holds of its samples, and of damaged ones", arguments: names)
    func samples(name: String) throws {
        let target = try Self.target(name)
        for (number, sample) in target.samples().enumerated() {
            #expect(throws: Never.self, "sample \(number)") { try target.run(sample) }
            for bytes in HostileInput.mutations(of: sample, count: 12, seed: UInt64(number)) where bytes.count <= 65_536
            {
                #expect(throws: Never.self, "sample \(number), damaged: \(bytes)") { try target.run(bytes) }
            }
        }
        #expect(throws: Never.self) { try target.run([]) }
    }

    /// `Fuzz/Regressions/<target>/<what it broke>`; see `Fuzz/README.md`.
    private static var regressions: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Regressions")
    }

    @Test("an input that broke something once breaks nothing now", arguments: names)
    func regressions(name: String) throws {
        let target = try Self.target(name)
        let folder = Self.regressions.appending(path: name)
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        for file in files.sorted(by: { $0.path < $1.path }) {
            let bytes = Array(try Data(contentsOf: file))
            #expect(throws: Never.self, "\(file.lastPathComponent)") { try target.run(bytes) }
        }
    }

    @Test("every folder of regressions is of a target")
    func folders() throws {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: Self.regressions.path)) ?? []
        #expect(folders.filter { !$0.hasPrefix(".") && !$0.hasSuffix(".md") && !Self.names.contains($0) } == [])
    }
}

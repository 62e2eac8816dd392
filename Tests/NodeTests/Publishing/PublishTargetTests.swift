// SPDX-License-Identifier: Apache-2.0
import Storage
import Testing
import Wire

@testable import Node

@Suite("Which site a folder is published to")
struct PublishTargetTests {
    typealias Situation = PublishTarget.Situation

    static let one = Digest256([UInt8](repeating: 1, count: 32)) ?? .zero
    static let two = Digest256([UInt8](repeating: 2, count: 32)) ?? .zero

    static func situation(_ marker: SourceFolder.Marker, from: [Digest256] = [], keys: [Digest256]) -> Situation {
        Situation(folder: "/f", marker: marker, publishedFrom: from, hasKeys: { keys.contains($0) })
    }

    @Test("a folder never published becomes a new site")
    func fresh() throws {
        #expect(try PublishTarget.decide(site: nil, new: false, Self.situation(.absent, keys: [])) == .new)
    }

    @Test("a marked folder goes on with its site where the keys are here")
    func marked() throws {
        let situation = Self.situation(.site(Self.one), from: [Self.one], keys: [Self.one])
        #expect(try PublishTarget.decide(site: nil, new: false, situation) == .existing(Self.one))
        #expect(try PublishTarget.decide(site: Self.one, new: false, situation) == .existing(Self.one))
        #expect(try PublishTarget.decide(site: nil, new: true, situation) == .new)
    }

    @Test("--site outweighs a folder that is known otherwise, and a marker that names nothing")
    func named() throws {
        for marker in [SourceFolder.Marker.absent, .unreadable] {
            let situation = Self.situation(marker, from: [Self.two], keys: [Self.one, Self.two])
            #expect(try PublishTarget.decide(site: Self.one, new: false, situation) == .existing(Self.one))
        }
    }

    static let refused: [(Digest256?, Bool, Situation, NodeError.Kind, String)] = [
        (one, true, situation(.absent, keys: [one]), .usage, "one of the two"),
        (one, false, situation(.absent, keys: []), .notPermitted, "--new"),
        (one, false, situation(.site(two), keys: [one, two]), .usage, "--new"),
        (nil, false, situation(.site(one), keys: []), .notPermitted, "--new"),
        (nil, false, situation(.site(one), from: [two], keys: [one, two]), .usage, "--site betanet://\(two.hex)"),
        (nil, false, situation(.absent, from: [one], keys: [one]), .usage, "--site betanet://\(one.hex)"),
        (nil, false, situation(.unreadable, from: [one], keys: [one]), .usage, "--site betanet://\(one.hex)"),
        (nil, false, situation(.unreadable, keys: []), .usage, "--new"),
        (
            nil, false,
            Situation(
                folder: "/f",
                marker: .site(one),
                otherFolder: "/g",
                isCopied: true,
                hasKeys: { _ in true }
            ), .usage, "--new"
        ),
    ]

    @Test("what is not certain is refused with the choices", arguments: refused.indices)
    func ambiguous(index: Int) {
        let (site, new, situation, kind, choice) = Self.refused[index]
        do {
            let target = try PublishTarget.decide(site: site, new: new, situation)
            Issue.record("decided for \(target)")
        } catch {
            #expect(error.kind == kind)
            #expect(error.remedy.contains(choice), "\(error.remedy)")
        }
    }
}

@Suite("What a release is called")
struct ReleaseNamingTests {
    @Test(
        "the next patch after the highest label",
        arguments: [
            ([], "1.0.0"), (["1.0.0"], "1.0.1"), (["1.2.9"], "1.2.10"), (["1.2.10", "1.2.9"], "1.2.11"),
            (["2"], "2.0.1"), (["1.4"], "1.4.1"), (["v1.2.3"], "v1.2.4"), (["spring"], "1.0.0"),
            (["spring", "1.9.9"], "1.9.10"), (["1.2.0-rc.1"], "1.2.0"), (["1.2.0", "1.2.0-rc.1"], "1.2.1"),
            (["1.2.3.4"], "1.2.3.5"), (["1.0.99999999999999999999"], "1.0.100000000000000000000"),
            (["1.0.0+build"], "1.0.1"),
        ] as [([String], String)]
    )
    func next(labels: [String], expected: String) throws {
        #expect(try ReleaseNaming.label(nil, after: labels) == expected)
    }

    @Test("a label given is taken as it is, refused where it is there or cannot be addressed")
    func given() throws {
        #expect(try ReleaseNaming.label("spring", after: ["1.0.0"]) == "spring")
        for label in ["1.0.0", "", "a/b", "a@b", " x", "17", String(repeating: "x", count: 65), "a\n"] {
            #expect(throws: NodeError.self, "\(label)") { try ReleaseNaming.label(label, after: ["1.0.0"]) }
        }
    }
}

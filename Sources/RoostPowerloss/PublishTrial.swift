// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Simulator
internal import Wire

/// What is recorded, and what must hold in every state that a crash may leave of it.
protocol Trial: Sendable {
    static var name: String { get }
    /// Makes everything that is needed outside of the record.
    init(root: String) async throws
    /// The run that is recorded; says what it has acknowledged by ``Recorder/mark(_:)``, and "begin" when it begins.
    func run(begun: () -> Void) async throws
    /// What does not hold of the state that stands at the root now. `goesOn`: also tries to go on from there.
    func faults(marks: [String], goesOn: Bool) async -> [String]
    func end() async
}

extension Trial {
    static func mark(_ text: String) { Recorder.mark(text) }

    /// Opens the home as `roost start` does, has the doctor look, and gives the node to `body`.
    func withNode(_ home: String, _ body: (TestNode) async throws(NodeError) -> [String]) async -> [String] {
        do throws(NodeError) {
            let node = try await TestNode(home: home)
            var faults: [String] = []
            do throws(NodeError) {
                let report = try await node.node.doctor(repair: false) { _ in }
                for finding in report.findings where finding.state == "problem" && !finding.what.hasPrefix("only ") {
                    faults.append("doctor: " + finding.what)
                }
                faults += try await body(node)
            } catch {
                faults.append("\(error.kind): \(error.message)")
            }
            await node.stop()
            return faults
        } catch {
            return ["the node does not start: \(error.kind): \(error.message)"]
        }
    }
}

/// A new site, and its second release.
struct PublishTrial: Trial {
    static let name = "publish"

    let root: String
    private var home: String { root + "/home" }
    private var source: String { root + "/source" }

    init(root: String) {
        self.root = root
    }

    func run(begun: () -> Void) async throws {
        try Folder.write(SampleFolder.version(1), to: source)
        Recorder.syncAll()
        Self.mark("begin")
        begun()
        let node = try await TestNode(home: home)
        do {
            _ = try await publish(node)
            Self.mark("published 1")
            try Folder.update(source, from: SampleFolder.version(1), to: SampleFolder.version(2))
            Recorder.syncAll()
            _ = try await publish(node)
            Self.mark("published 2")
        } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    /// As a user does who repeats the command: the folder's site, or a new one.
    private func publish(_ node: TestNode, new: Bool = false) async throws(NodeError) -> PublishResult {
        do throws(NodeError) {
            return try await node.node.publish(PublishRequest(directory: source, new: new)) { _ in }
        } catch {
            guard error.kind == .usage else { throw error }
            return try await node.node.publish(PublishRequest(directory: source, new: true)) { _ in }
        }
    }

    func faults(marks: [String], goesOn: Bool) async -> [String] {
        let acknowledged = marks.count { $0.hasPrefix("published") }
        return await withNode(home) { node throws(NodeError) in
            let found = try await node.node.sites().compactMap { Digest256(hex: $0.site.suffix(64)) }
            var faults: [String] = []
            if acknowledged > 0, found.isEmpty { faults.append("the site that was published is not there") }
            for site in found { faults += try await Self.faults(of: site, node, acknowledged: acknowledged) }
            if goesOn { faults += try await goOn(node) }
            return faults
        }
    }

    private static func faults(
        of site: Digest256,
        _ node: TestNode,
        acknowledged: Int
    ) async throws(NodeError) -> [String] {
        var faults: [String] = []
        let newest = try await node.files(of: site, .newest)
        let isRight =
            newest == SampleFolder.version(max(1, acknowledged)) || newest == SampleFolder.version(acknowledged + 1)
        if !isRight { faults.append("the newest release is not what was published") }
        if acknowledged > 0, try await node.files(of: site, .sequence(1)) != SampleFolder.version(1) {
            faults.append("the first release is not what was published")
        }
        return faults
    }

    /// The folder is changed, and published again.
    func goOn(_ node: TestNode, new: Bool = false) async throws(NodeError) -> [String] {
        do {
            // The folder is as the user left it before the crash, which is the first version or the second.
            try Folder.update(source, from: SampleFolder.version(1), to: [:])
            try Folder.update(source, from: SampleFolder.version(2), to: [:])
            try Folder.update(source, from: [:], to: SampleFolder.version(3))
        } catch {
            return ["\(error)"]
        }
        let result = try await publish(node, new: new)
        guard let site = Digest256(hex: result.site.suffix(64)) else { return ["\(result.site) is no site"] }
        let isRight = try await node.files(of: site, .newest) == SampleFolder.version(3)
        return isRight ? [] : ["what is published next is not what was in the folder"]
    }

    func end() async {}
}

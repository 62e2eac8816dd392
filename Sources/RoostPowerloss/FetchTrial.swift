// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Simulator
internal import Wire

/// A site fetched from a peer, into the store and into a folder.
struct FetchTrial: Trial {
    static let name = "fetch"

    let root: String
    private let holder: TestNode
    private let holderFolder: String
    private let site: Digest256
    private let link: String
    private var home: String { root + "/home" }

    init(root: String) async throws {
        self.root = root
        holderFolder = root + ".holder"
        try Folder.write(SampleFolder.version(1), to: holderFolder + "/source")
        holder = try await TestNode(home: holderFolder + "/home")
        let request = PublishRequest(directory: holderFolder + "/source", new: true)
        link = try await holder.node.publish(request) { _ in }.site
        guard let site = Digest256(hex: link.suffix(64)) else { throw Failure("\(link) is no site") }
        self.site = site
    }

    func run(begun: () -> Void) async throws {
        Self.mark("begin")
        begun()
        let node = try await TestNode(home: home)
        do throws(NodeError) {
            try await fetch(node, to: "out")
            Self.mark("fetched")
        } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    func fetch(_ node: TestNode, to folder: String) async throws(NodeError) {
        let request = FetchRequest(
            link: link,
            directory: root + "/" + folder,
            peers: [holder.node.listen.description]
        )
        _ = try await node.node.fetch(request) { _ in }
    }

    func faults(marks: [String], goesOn: Bool) async -> [String] {
        let isAcknowledged = marks.contains("fetched")
        let right = SampleFolder.version(1)
        return await withNode(home) { node throws(NodeError) in
            var faults: [String] = []
            let here: [String: [UInt8]]
            do throws(NodeError) {
                here = try await node.files(of: site, .newest)
            } catch {
                here = [:]
                if isAcknowledged { faults.append("what was fetched cannot be read: \(error.message)") }
            }
            if !here.isEmpty, here != right { faults.append("what is read is not what was published") }
            if let out = exported("out"), out != right, isAcknowledged || !out.isEmpty {
                faults.append("the folder has \(out.count) of \(right.count) files, or other bytes in them")
            } else if isAcknowledged, exported("out") == nil {
                faults.append("the folder is not there")
            }
            guard goesOn else { return faults }
            try await fetch(node, to: "again")
            if exported("again") != right { faults.append("what is fetched again is not what was published") }
            return faults
        }
    }

    func exported(_ name: String) -> [String: [UInt8]]? {
        Folder.read(root + "/" + name)?.filter { !$0.key.hasPrefix(".") }
    }

    func end() async {
        await holder.stop()
        Folder.remove(holderFolder)
    }
}

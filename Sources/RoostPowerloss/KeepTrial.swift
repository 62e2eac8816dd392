// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Wire

/// Two sites that share files are fetched; one is pinned, the other is evicted; then the first is let go and removed.
struct KeepTrial: Trial {
    static let name = "keep"

    private let root: String
    private let holder: TestNode
    private let holderFolder: String
    private let pinned: Digest256
    private let read: Digest256
    private var home: String { root + "/home" }

    init(root: String) async throws {
        self.root = root
        holderFolder = root + ".holder"
        holder = try await TestNode(home: holderFolder + "/home")
        var sites: [Digest256] = []
        for version in 1...2 {
            let source = "\(holderFolder)/source\(version)"
            try Folder.write(SampleFolder.version(version), to: source)
            let link = try await holder.node.publish(PublishRequest(directory: source, new: true)) { _ in }.site
            guard let site = Digest256(hex: link.suffix(64)) else { throw Failure("\(link) is no site") }
            sites.append(site)
        }
        (pinned, read) = (sites[0], sites[1])
    }

    private func link(_ site: Digest256) -> String { "betanet://\(site.hex)" }

    private func fetch(_ site: Digest256, _ node: TestNode) async throws(NodeError) {
        let request = FetchRequest(
            link: link(site),
            directory: nil,
            peers: [holder.node.listen.description]
        )
        _ = try await node.node.fetch(request) { _ in }
    }

    func run(begun: () -> Void) async throws {
        Self.mark("begin")
        begun()
        // Nothing is kept of what nobody pinned, from the next look at the quota on.
        let node = try await TestNode(home: home, quota: 0)
        do throws(NodeError) {
            for (site, name) in [(pinned, "first"), (read, "second")] {
                try await fetch(site, node)
                Self.mark("fetched \(name)")
            }
            _ = try await node.node.change(link(pinned), .pin)
            Self.mark("pinned")
            try await node.node.enforceQuota()
            Self.mark("evicted")
            Self.mark("lets go")
            _ = try await node.node.change(link(pinned), .unpin)
            Self.mark("unpinned")
            try await node.node.enforceQuota()
            _ = try await node.node.change(link(pinned), .remove)
            Self.mark("removed")
        } catch {
            await node.stop()
            throw error
        }
        await node.stop()
    }

    func faults(marks: [String], goesOn: Bool) async -> [String] {
        await withNode(home) { node throws(NodeError) in
            var faults: [String] = []
            let sites = try await node.node.sites()
            let first = sites.first { $0.site.hasSuffix(pinned.hex) }
            if marks.contains("pinned"), !marks.contains("lets go"), first?.pinned != true {
                faults.append("the site is not pinned")
            }
            if marks.contains("unpinned"), first?.pinned == true { faults.append("the site is pinned still") }
            if marks.contains("removed"), first != nil { faults.append("the site was not removed") }
            faults += await Self.faults(
                of: pinned,
                node,
                version: 1,
                mustBeHere: marks.contains("fetched first") && !marks.contains("lets go")
            )
            // From the next command on the second may go.
            faults += await Self.faults(
                of: read,
                node,
                version: 2,
                mustBeHere: marks.last == "fetched second"
            )
            guard goesOn else { return faults }
            for site in [pinned, read] { try await fetch(site, node) }
            faults += await Self.faults(of: pinned, node, version: 1, mustBeHere: true)
            return faults + (await Self.faults(of: read, node, version: 2, mustBeHere: true))
        }
    }

    /// Whatever is here of a site must be as it was published; what is not here may be missing, unless it must not.
    private static func faults(
        of site: Digest256,
        _ node: TestNode,
        version: Int,
        mustBeHere: Bool
    ) async -> [String] {
        do {
            let isRight = try await node.files(of: site, .newest) == SampleFolder.version(version)
            return isRight ? [] : ["what is read of site \(version) is not what was published"]
        } catch {
            return mustBeHere ? ["site \(version) cannot be read: \(error.message)"] : []
        }
    }

    func end() async {
        await holder.stop()
        Folder.remove(holderFolder)
    }
}

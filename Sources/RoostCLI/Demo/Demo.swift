// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import NIOHTTP1
internal import Node
internal import Wire

/// The story of `roost demo`, each step of which is verified.
struct Demo {
    let options: GlobalOptions
    /// On a terminal it stays up at the end, until Ctrl-C.
    let stays: Bool

    private struct Step: Encodable {
        var step: String
        var seconds: Double
        var saw: String
    }

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("roost-demo-\(getpid())")
        defer { try? FileManager.default.removeItem(at: folder) }
        var steps: [Step] = []
        var last = ContinuousClock.now
        func report(_ step: String, _ saw: String) {
            let now = ContinuousClock.now
            let seconds = (now - last) / .seconds(1)
            last = now
            steps.append(Step(step: step, seconds: seconds, saw: saw))
            if !options.json { Output.line("✓ \(step) (\(String(format: "%.2f", seconds)) s)\n    \(saw)") }
        }
        let source = folder.appendingPathComponent("site")
        try writeSample(to: source)
        let publisher = try await DemoPeer(name: "publisher", home: folder.appendingPathComponent("a"), entrance: nil)
        let second = try await DemoPeer(name: "second", home: folder.appendingPathComponent("b"), entrance: publisher)
        let third = try await DemoPeer(name: "third", home: folder.appendingPathComponent("c"), entrance: second)
        report("three peers run and share a private DHT", "their homes are in \(folder.path)")

        let release = try await publisher.node.publish(PublishRequest(directory: source.path, new: true)) { _ in }
        guard let site = try? SiteLink(parsing: release.site).address, case .site(let id) = site else {
            throw failed("the published address is none: \(release.site)")
        }
        report("the first publishes a folder", "\(release.site): \(release.files) files, \(release.bytes) bytes")

        try await verifyPages(of: id, on: second)
        report(
            "the second opens it from the first",
            "every page, picture and film arrived as published; the film seeks"
        )
        let kept = try await second.node.fetch(FetchRequest(link: release.site, directory: nil)) { _ in }
        report("the second keeps it", "release \(kept.seq) (\(kept.label)), \(kept.files) files")

        await publisher.stop()
        try await verifyPages(of: id, on: third)
        report("the publisher is gone, and the third opens it from the second", "the same bytes, verified")

        try update(source)
        let back = try await DemoPeer(name: "publisher", home: folder.appendingPathComponent("a"), entrance: second)
        let next = try await back.node.publish(PublishRequest(directory: source.path)) { _ in }
        report("the publisher is back and changes a page", "release \(next.seq) (\(next.label))")
        try await verifyUpdate(of: id, to: next, on: [second, third])
        report("both readers have the new release", "the old one stays at its own address")

        if options.json { Output.line(Output.json(["steps": steps])) }
        if stays { try await stay(site: release.site, peers: [back, second, third], id: id) }
        for peer in [back, second, third] { await peer.stop() }
    }

    private func failed(_ what: String) -> NodeError {
        NodeError(.internal, "the demo saw something else: \(what)", remedy: "Report this with what it printed.")
    }

    private func writeSample(to folder: URL) throws {
        for file in SampleSite.files() {
            let target = folder.appendingPathComponent(file.path)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(file.bytes).write(to: target)
        }
    }

    private static let addition = "<!-- The second release. -->\n"

    private func update(_ folder: URL) throws {
        let page = folder.appendingPathComponent("index.html")
        var text = try Data(contentsOf: page)
        text.append(Data(Self.addition.utf8))
        try text.write(to: page)
    }

    /// Every file through the gateway is what was published, and a part of the film can be asked for.
    private func verifyPages(of site: Digest256, on peer: DemoPeer) async throws {
        for file in SampleSite.files() {
            let (head, body) = try await peer.read("/" + file.path, of: site)
            guard head.status == .ok, body == file.bytes else {
                throw failed("\(file.path) on the \(peer.name) peer: \(head.status), \(body.count) bytes")
            }
        }
        guard let film = SampleSite.files().first(where: { $0.path.hasSuffix(".webm") }) else { return }
        let middle = film.bytes.count / 2
        let range = [("Range", "bytes=\(middle)-\(middle + 999)")]
        let (head, body) = try await peer.read("/" + film.path, of: site, headers: range)
        guard head.status == .partialContent, body == Array(film.bytes[middle..<middle + 1000]) else {
            throw failed("a range of the film on the \(peer.name) peer: \(head.status)")
        }
    }

    /// Readers find the new release within a minute of it; in the demo, at once.
    private func verifyUpdate(of site: Digest256, to release: PublishResult, on peers: [DemoPeer]) async throws {
        for peer in peers {
            let deadline = ContinuousClock.now + .seconds(60)
            while true {
                let (head, body) = try await peer.read("/", of: site)
                let isNew = head.headers.first(name: "X-Roost-Release")?.hasPrefix("\(release.seq) ") ?? false
                if isNew, body.suffix(Self.addition.utf8.count).elementsEqual(Self.addition.utf8) { break }
                guard ContinuousClock.now < deadline else {
                    throw failed("the \(peer.name) peer still shows the old release")
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private func stay(site: String, peers: [DemoPeer], id: Digest256) async throws {
        let urls = peers.map { "  \($0.name): \(GatewayNames(port: $0.address.gateway.port).url(of: id))" }
        Output.line("\nOpen it in your browser:\n\(urls.joined(separator: "\n"))\nEnd with Ctrl-C.")
        await Interruption.wait()
    }
}

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

    /// Ctrl-C ends it at any point; its folder is removed in any case.
    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("roost-demo-\(getpid())")
        let cast = DemoCast(folder: folder)
        let outcome = await withTaskGroup(of: Result<Void, any Error>.self) { group in
            group.addTask { await Self.outcome { try await story(cast) } }
            group.addTask {
                await EndingSignal.wait()
                return .failure(CancellationError())
            }
            let first = await group.next()
            group.cancelAll()
            return first
        }
        await cast.leave()
        try? FileManager.default.removeItem(at: folder)
        try outcome?.get()
    }

    private static func outcome(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func story(_ cast: DemoCast) async throws {
        var script = DemoScript(prints: !options.json)
        let source = cast.folder.appendingPathComponent("site")
        try writeSample(to: source)
        let publisher = try await cast.enter("publisher", home: "a", through: nil)
        let second = try await cast.enter("second", home: "b", through: publisher)
        let third = try await cast.enter("third", home: "c", through: second)
        script.report("three peers run and share a private DHT", "their homes are in \(cast.folder.path)")

        let release = try await publisher.node.publish(PublishRequest(directory: source.path, new: true)) { _ in }
        guard let site = try? SiteLink(parsing: release.site).address, case .site(let id) = site else {
            throw failed("the published address is none: \(release.site)")
        }
        script.report(
            "the first publishes a folder",
            "\(release.site): \(Plural.count(release.files, "file")), \(release.bytes) bytes"
        )
        try await verifyPages(of: id, on: second)
        script.report("the second opens it from the first", "every page, picture and film as published; the film seeks")
        let kept = try await second.node.fetch(FetchRequest(link: release.site, directory: nil)) { _ in }
        script.report("the second keeps it", "release \(kept.seq) (\(kept.label)), \(Plural.count(kept.files, "file"))")

        await publisher.stop()
        try await verifyPages(of: id, on: third)
        script.report("the publisher is gone, and the third opens it from the second", "the same bytes, verified")

        try update(source)
        let back = try await cast.enter("publisher", home: "a", through: second)
        let next = try await back.node.publish(PublishRequest(directory: source.path)) { _ in }
        script.report("the publisher is back and changes a page", "release \(next.seq) (\(next.label))")
        try await verifyUpdate(of: id, to: next, on: [second, third])
        script.report("both readers have the new release", "the old one stays at its own address")

        if options.json { Output.line(Output.json(["steps": script.steps])) }
        if stays { try await stay(peers: [back, second, third], id: id) }
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

    /// Until Ctrl-C, which ``run()`` waits for.
    private func stay(peers: [DemoPeer], id: Digest256) async throws {
        let urls = peers.map { "  \($0.name): \(GatewayNames(port: $0.address.gateway.port).url(of: id))" }
        Output.line("\nOpen it in your browser:\n\(urls.joined(separator: "\n"))\nEnd with Ctrl-C.")
        while true { try await Task.sleep(for: .seconds(3600)) }
    }
}

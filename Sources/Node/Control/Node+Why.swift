// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Storage
internal import Wire

extension Node {
    /// Follows an address from its name to the bytes of its page, and stops at the first stage that fails.
    public func why(_ text: String, report: @escaping Report) async throws(NodeError) -> WhyReport {
        visits.used()
        var trace = WhyTrace(url: text, tell: report)
        await trace.follow(in: self)
        return trace.report
    }
}

/// The stages of one `why`, each with its time.
private struct WhyTrace {
    private(set) var report: WhyReport
    private let tell: NodeControl.Report
    private static let count: Int64 = 6

    init(url: String, tell: @escaping NodeControl.Report) {
        report = WhyReport(url: url, ok: true, stages: [])
        self.tell = tell
    }

    mutating func follow(in node: Node) async {
        let url = report.url
        let parsed = await stage("name", { () throws(NodeError) in try SiteLink(parsing: url) }, { $0.address.text })
        guard let link = parsed else { return }
        let site = link.address.id
        guard await stage("key", { () async throws(NodeError) in try await node.welcomeForTrace(link) }, { $0 }) != nil,
            let release = await stage(
                "release",
                { () async throws(NodeError) in
                    try await node.release(of: site, link.selector, mayUseNetwork: true)
                },
                { "release \($0.sequence) (\($0.label))" }
            )
        else { return }
        _ = await stage("peers", { () throws(NodeError) in node.sites.holders(of: site).count }) { count in
            count == 0 ? "no other holder is known; what is here is read from the disk" : "holders known: \(count)"
        }
        let page = await stage(
            "blocks",
            { () async throws(NodeError) in try await node.firstPage(link.path, of: release) },
            { "\($0.path.joined(separator: "/")): \($0.length) bytes" }
        )
        guard let page else { return }
        _ = await stage(
            "page",
            { () async throws(NodeError) in try await node.readChecked(page, of: release) },
            { "\($0.bytes) bytes read and verified\($0.wasDamaged ? "; the copy on the disk was damaged" : "")" }
        )
    }

    private mutating func stage<Value>(
        _ name: String,
        _ work: () async throws(NodeError) -> Value,
        _ detail: (Value) -> String
    ) async -> Value? {
        let began = ContinuousClock.now
        tell(NodeProgress(stage: name, done: Int64(report.stages.count), total: Self.count, unit: "stages"))
        do throws(NodeError) {
            let value = try await work()
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            ended(WhyReport.Stage(stage: name, ok: true, seconds: seconds, detail: detail(value)))
            return value
        } catch {
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            ended(
                WhyReport.Stage(
                    stage: name,
                    ok: false,
                    seconds: seconds,
                    detail: error.message,
                    remedy: error.remedy,
                    kind: error.kind
                )
            )
            return nil
        }
    }

    private mutating func ended(_ stage: WhyReport.Stage) {
        report.stages.append(stage)
        report.ok = report.ok && stage.ok
        let done = Int64(report.stages.count)
        tell(NodeProgress(stage: stage.stage, done: done, total: Self.count, unit: "stages", passed: stage))
    }
}

extension Node {
    /// Makes the site known, and says whose it is.
    fileprivate func welcomeForTrace(_ link: SiteLink) async throws(NodeError) -> String {
        let opened = try await open(link.address.text)
        if let feed = try await sites.feed(of: link.address.id) { return "signed by \(feed.state.writer.hex)" }
        switch try await sourceForTrace(link.address.id) {
        case .feed(let feed): return "signed by \(feed.state.writer.hex)"
        case .tree: return "one tree without a history, \(opened.site)"
        }
    }

    /// Looks again for some seconds, as an open page does: who has just published has told few.
    private func sourceForTrace(_ site: Digest256) async throws(NodeError) -> ReleaseSource {
        let end = ContinuousClock.now + .seconds(10)
        while true {
            do throws(NodeError) {
                return try await source(of: site, mayUseNetwork: true)
            } catch {
                guard error.kind == .unavailable, .now < end else { throw error }
            }
            do { try await Task.sleep(for: .seconds(1)) } catch { throw NodeError(unexpected: error) }
        }
    }

    /// The file that a browser would show at `path`.
    fileprivate func firstPage(
        _ path: [String],
        of release: ReleaseReference
    ) async throws(NodeError) -> ReleaseFile {
        for candidate in [path, path + ["index.html"]] {
            if case .file(let file)? = try await entry(at: candidate, in: release, mayUseNetwork: true) { return file }
        }
        throw NodeError(
            .notFound,
            "there is no page at /\(path.joined(separator: "/"))",
            remedy: "Open the site's first page, or correct the path."
        )
    }

    /// Reads a page as a browser would, after comparing a copy on the disk with its hash: a damaged one is put aside, and
    /// the page comes from peers again.
    fileprivate func readChecked(
        _ file: ReleaseFile,
        of release: ReleaseReference
    ) async throws(NodeError) -> (bytes: Int64, wasDamaged: Bool) {
        let content = context.content
        var wasDamaged = false
        if let root = Digest256(hex: file.contentHash), file.length > 0 {
            wasDamaged = try await context.blocking.run { try content.verify(root) } == .damaged
        }
        do throws(NodeError) {
            return (try await readPatiently(file, of: release), wasDamaged)
        } catch {
            guard wasDamaged else { throw error }
            throw NodeError(
                error.kind,
                "the copy of this page on the disk is damaged, and nobody gave another: \(error.message)",
                remedy: "Try again when a holder can be reached, and run `roost doctor` to check the rest of the disk."
            )
        }
    }

    /// A page waits as long as its reader does; who asks why wants to know soon.
    private func readPatiently(_ file: ReleaseFile, of release: ReleaseReference) async throws(NodeError) -> Int64 {
        let limit = Duration.seconds(20)
        let result = await withTaskGroup(of: Result<Int64, NodeError>.self) { group in
            group.addTask {
                do throws(NodeError) {
                    return .success(try await self.readWhole(file, of: release))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return .failure(
                    NodeError(
                        .unavailable,
                        "no peer gave all of this file within \(limit.components.seconds) s",
                        remedy: "Try again later, or name a peer that has it with --peer HOST:PORT."
                    )
                )
            }
            let first = await group.next() ?? .success(0)
            group.cancelAll()
            return first
        }
        return try result.get()
    }

    private func readWhole(_ file: ReleaseFile, of release: ReleaseReference) async throws(NodeError) -> Int64 {
        var offset: Int64 = 0
        while offset < file.length {
            let part = try await read(file, in: release, from: offset, count: 1 << 18, mayUseNetwork: true)
            guard !part.isEmpty else { break }
            offset += Int64(part.count)
        }
        return offset
    }
}

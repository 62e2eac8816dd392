// SPDX-License-Identifier: Apache-2.0
internal import Node
internal import Synchronization
internal import Wire

/// What the gateway remembers between requests, shared by all connections.
final class ContentMemory: Sendable {
    let releases = Mutex(OriginReleases())
    let searches = Mutex(SearchClock())
    let consents = Mutex(OpenConsents())
}

/// Finds what a request names: the release its origin shows, and what stands at the path there.
struct ContentLookup: Sendable {
    enum Target: Sendable {
        case file(ReleaseFile)
        case listing([String])
        /// A folder was asked for without its slash.
        case redirect
        /// Nothing there; the site's own `404.html`, where it has one.
        case missing(ReleaseFile?)
    }

    struct Found: Sendable {
        var release: ReleaseReference
        var target: Target
    }

    let reader: any ReleaseReading
    let memory: ContentMemory
    let host: ContentHost
    let path: RequestPath
    let mayUseNetwork: Bool
    let movesRelease: Bool

    func find() async throws(NodeError) -> Found {
        let release = try await release()
        if let target = try await target(in: release) { return Found(release: release, target: target) }
        if !movesRelease, host.sequence == nil,
            let previous = memory.releases.withLock({ $0.previous(of: host, now: .now) }),
            let target = try await target(in: previous)
        {
            return Found(release: previous, target: target)
        }
        return Found(release: release, target: .missing(try await file(at: ["404.html"], in: release)))
    }

    private func release() async throws(NodeError) -> ReleaseReference {
        if let sequence = host.sequence {
            return try await reader.release(of: host.site, .sequence(sequence), mayUseNetwork: mayUseNetwork)
        }
        if !movesRelease, let pinned = memory.releases.withLock({ $0.release(of: host, now: .now) }) {
            return pinned
        }
        let newest = try await newest()
        memory.releases.withLock { $0.navigated(host, to: newest, now: .now) }
        return newest
    }

    /// Where the network has no answer, what is here is better than nothing.
    private func newest() async throws(NodeError) -> ReleaseReference {
        do {
            return try await reader.release(of: host.site, .newest, mayUseNetwork: mayUseNetwork)
        } catch  where error.kind == .unavailable && mayUseNetwork {
            return try await reader.release(of: host.site, .newest, mayUseNetwork: false)
        }
    }

    private func target(in release: ReleaseReference) async throws(NodeError) -> Target? {
        switch try await reader.entry(at: path.components, in: release, mayUseNetwork: mayUseNetwork) {
        case nil: return nil
        case .file(let file): return path.isFolder ? nil : .file(file)
        case .folder(let names):
            guard path.isFolder else { return .redirect }
            guard names.contains("index.html"),
                let index = try await file(at: path.components + ["index.html"], in: release)
            else { return .listing(names) }
            return .file(index)
        }
    }

    private func file(at path: [String], in release: ReleaseReference) async throws(NodeError) -> ReleaseFile? {
        let entry = try await reader.entry(at: path, in: release, mayUseNetwork: mayUseNetwork)
        guard case .file(let file) = entry else { return nil }
        return file
    }
}

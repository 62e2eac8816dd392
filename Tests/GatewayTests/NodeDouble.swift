// SPDX-License-Identifier: Apache-2.0
import Keys
import Node
import Synchronization
import Wire

/// A node in memory: releases of files, and a record of what it was asked to do.
final class NodeDouble: ReleaseReading {
    struct Release {
        var label = "1.0"
        var files: [String: [UInt8]]
    }

    struct State {
        var releases: [Digest256: [Release]] = [:]
        var known: Set<Digest256> = []
        /// Sites whose bytes are not here: reads need the network.
        var remote: Set<Digest256> = []
        /// Sites that nobody holds, and how long it takes to say so; nil hangs until cancelled.
        var missing: [Digest256: Duration?] = [:]
        var errors: [Digest256: NodeError] = [:]
        /// The longest answer to one read.
        var chunk = Int.max
        /// From this offset on peers send nothing.
        var stallsAt = Int64.max
        /// Every call that might have used the network, in words.
        var network: [String] = []
        var welcomed: [Digest256] = []
        var impostors = 0
        var cancelled = 0
    }

    let state: Mutex<State>

    init(_ state: sending State = State()) { self.state = Mutex(state) }

    var network: [String] { state.withLock { $0.network } }
    var welcomed: [Digest256] { state.withLock { $0.welcomed } }
    var cancelled: Int { state.withLock { $0.cancelled } }

    func isKnown(site: Digest256) async -> Bool { state.withLock { $0.known.contains(site) } }

    func welcome(site: Digest256) async throws(NodeError) {
        state.withLock {
            $0.known.insert(site)
            $0.welcomed.append(site)
        }
    }

    func release(
        of site: Digest256,
        _ selector: ReleaseSelector,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseReference {
        if mayUseNetwork { state.withLock { $0.network.append("release") } }
        if let error = state.withLock({ $0.errors[site] }) { throw error }
        if let missing = state.withLock({ $0.missing[site] }) {
            if mayUseNetwork { try await pause(missing ?? .seconds(3600)) }
            throw NodeError(.unavailable, "nobody holds it", remedy: "Wait.")
        }
        let releases = state.withLock { $0.releases[site] ?? [] }
        let index: Int
        switch selector {
        case .newest: index = releases.count - 1
        case .sequence(let sequence): index = Int(clamping: sequence) - 1
        case .label(let label): index = releases.firstIndex { $0.label == label } ?? -1
        }
        guard releases.indices.contains(index) else {
            throw NodeError(.unavailable, "no such release here", remedy: "Wait.")
        }
        return ReleaseReference(site: site.hex, sequence: UInt64(index + 1), label: releases[index].label)
    }

    func entry(
        at path: [String],
        in release: ReleaseReference,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> ReleaseEntry? {
        let files = files(of: release)
        let name = path.joined(separator: "/")
        if let bytes = files[name] {
            let hash = Hash.sha256(bytes).hex
            return .file(ReleaseFile(path: path, length: Int64(bytes.count), contentHash: hash))
        }
        let prefix = path.isEmpty ? "" : name + "/"
        let names = files.keys.filter { $0.hasPrefix(prefix) }.map { key -> String in
            let rest = key.dropFirst(prefix.count)
            return rest.firstIndex(of: "/").map { String(rest[...$0]) } ?? String(rest)
        }
        return names.isEmpty ? nil : .folder(Set(names).sorted())
    }

    func read(
        _ file: ReleaseFile,
        in release: ReleaseReference,
        from offset: Int64,
        count: Int,
        mayUseNetwork: Bool
    ) async throws(NodeError) -> [UInt8] {
        let (isRemote, chunk, stallsAt) = state.withLock { state in
            (state.remote.contains { $0.hex == release.site }, state.chunk, state.stallsAt)
        }
        if isRemote, !mayUseNetwork { throw NodeError(.unavailable, "not here", remedy: "Wait.") }
        if isRemote {
            state.withLock { $0.network.append("read \(offset)") }
            if offset >= stallsAt { try await pause(.seconds(3600)) }
        }
        let bytes = files(of: release)[file.path.joined(separator: "/")] ?? []
        precondition(offset >= 0 && offset < Int64(bytes.count), "the gateway reads outside the file")
        return Array(bytes[Int(offset)...].prefix(min(count, chunk)))
    }

    func activity(of site: Digest256) async -> SiteActivity {
        SiteActivity(
            stage: "asking the <DHT>",
            peersKnown: 3,
            peersConnected: 1,
            bytesReceived: 42,
            impostors: state.withLock { $0.impostors }
        )
    }

    private func files(of release: ReleaseReference) -> [String: [UInt8]] {
        guard let site = Digest256(hex: release.site) else { return [:] }
        return state.withLock { $0.releases[site]?[Int(release.sequence) - 1].files ?? [:] }
    }

    private func pause(_ duration: Duration) async throws(NodeError) {
        do {
            try await Task.sleep(for: duration)
        } catch {
            state.withLock { $0.cancelled += 1 }
            throw NodeError(.unavailable, "cancelled", remedy: "Ask again.")
        }
    }
}

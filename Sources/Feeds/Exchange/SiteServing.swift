// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Answers that wait for directory nodes from the store.
///
/// Memory: at most ``SiteExchangeSpecification/openRequests`` answers of 16 KiB.
struct SiteServing: Sendable {
    enum Output {
        case read(token: UInt32, Digest256)
        case reply(SiteMessage)
    }

    private struct Job {
        let id: UInt32
        var work: Work
    }

    private enum Work {
        case node(Digest256, offset: Int)
        case path(DirectoryLookup, nodes: [[UInt8]], bytes: Int)
    }

    private var jobs: [UInt32: Job] = [:]
    private var nextToken: UInt32 = 0

    /// Answers that wait.
    var count: Int { jobs.count }

    mutating func serve(node hash: Digest256, offset: Int, id: UInt32) -> Output {
        begin(Job(id: id, work: .node(hash, offset: offset)), reading: hash)
    }

    mutating func serve(path: [String], from node: Digest256, id: UInt32) -> Output {
        begin(Job(id: id, work: .path(DirectoryLookup(folder: node, path: path), nodes: [], bytes: 0)), reading: node)
    }

    private mutating func begin(_ job: Job, reading hash: Digest256) -> Output {
        guard jobs.count < SiteExchangeSpecification.openRequests else { return .reply(.refuse(id: job.id, .busy)) }
        nextToken &+= 1
        jobs[nextToken] = job
        return .read(token: nextToken, hash)
    }

    /// The store's word on a node: nil when it does not have it or must not serve it. Nil for a token of no job.
    mutating func supply(_ token: UInt32, node bytes: [UInt8]?) -> Output? {
        guard let job = jobs.removeValue(forKey: token) else { return nil }
        switch job.work {
        case .node(let hash, let offset):
            guard let bytes, offset <= bytes.count else { return .reply(.refuse(id: job.id, .notHeld)) }
            let part = Array(bytes[offset...].prefix(SiteExchangeSpecification.contentBytes))
            return .reply(.answer(id: job.id, .node(hash, total: bytes.count, offset: offset, part)))
        case .path(let lookup, let nodes, let count):
            return advance(job, lookup, nodes, count, with: bytes)
        }
    }

    private mutating func advance(
        _ job: Job,
        _ lookup: DirectoryLookup,
        _ nodes: [[UInt8]],
        _ count: Int,
        with bytes: [UInt8]?
    ) -> Output {
        // Eight bytes for the length in front of each.
        guard let bytes, count + bytes.count + 8 <= SiteExchangeSpecification.contentBytes else {
            let refusal: SiteRefusal = bytes == nil ? .notHeld : .tooLarge
            return .reply(nodes.isEmpty ? .refuse(id: job.id, refusal) : .answer(id: job.id, .nodes(nodes)))
        }
        var lookup = lookup
        guard (try? lookup.receive(bytes)) != nil else { return .reply(.refuse(id: job.id, .notHeld)) }
        let nodes = nodes + [bytes]
        guard case .needs(let next) = lookup.step else { return .reply(.answer(id: job.id, .nodes(nodes))) }
        var job = job
        job.work = .path(lookup, nodes: nodes, bytes: count + bytes.count + 8)
        nextToken &+= 1
        jobs[nextToken] = job
        return .read(token: nextToken, next)
    }
}

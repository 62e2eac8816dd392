// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Questions about what there is and not about where it is: BEP 33 and BEP 51.
extension DHTNode {
    /// Two filters in place of a list of peers, where the address may get as much.
    mutating func addFilters(
        to response: inout KRPCResponse,
        _ infoHash: Digest160,
        _ sender: Contact,
        now: Instant
    ) {
        guard !isDenied(infoHash), mayReceive(2 * BloomFilter.byteCount, sender, now) else { return }
        var (seeds, others) = peers.filters(for: infoHash, now: now) ?? (BloomFilter(), BloomFilter())
        // Our own announce counts; whether we have everything is not for strangers to know.
        if let own = ownEndpoint(for: infoHash, family: sender.endpoint.family) { others.insert(own.address) }
        guard !seeds.isEmpty || !others.isEmpty else { return }
        (response.seedFilter, response.peerFilter) = (seeds, others)
    }

    /// Some of the torrents that others announced here. What we hold ourselves is not among them: whoever collects hashes
    /// shall not learn it from us.
    mutating func addSamples(
        to response: inout KRPCResponse,
        _ target: NodeID,
        _ want: Set<AddressFamily>,
        _ sender: Contact,
        now: Instant
    ) {
        addNodes(to: &response, target, want, sender)
        let known = sample
        if known.map({ now - $0.drawn >= DHTSpecification.sampleInterval }) ?? true {
            let drawn = peers.sample(limit: DHTSpecification.maximumSample, using: &generator)
            sample = (drawn, now)
        }
        var chosen = (sample?.infoHashes ?? []).filter { !isDenied($0) }
        if !mayReceive(chosen.count * Digest160.byteCount, sender, now) { chosen = [] }
        response.samples = KRPCSamples(
            infoHashes: chosen,
            total: Int64(peers.infoHashCount),
            interval: DHTSpecification.sampleInterval.components.seconds
        )
    }
}

// MARK: - What others answer

extension DHTNode {
    mutating func collectFilters(_ response: KRPCResponse, for operation: UInt64) {
        guard response.seedFilter != nil || response.peerFilter != nil else { return }
        operations[operation]?.sources += 1
        if let filter = response.seedFilter { operations[operation]?.seedFilter.formUnion(filter) }
        if let filter = response.peerFilter { operations[operation]?.peerFilter.formUnion(filter) }
    }

    mutating func collectSamples(_ response: KRPCResponse, for operation: UInt64) {
        guard let samples = response.samples else { return }
        operations[operation]?.sources += 1
        for infoHash in samples.infoHashes where operations[operation].map({ !$0.hasAllSamples }) ?? false {
            operations[operation]?.samples.insert(infoHash)
        }
    }
}

extension Operation {
    fileprivate var hasAllSamples: Bool { samples.count >= Self.maximumSamples }

    var scrapeReport: ScrapeReport {
        ScrapeReport(seeds: seedFilter.estimate, downloaders: peerFilter.estimate, sources: sources)
    }

    var sampleReport: SampleReport { SampleReport(infoHashes: samples.sorted(), sources: sources) }
}

// SPDX-License-Identifier: Apache-2.0
public import Kademlia
public import Keys
internal import NIOCore
public import Wire

extension DHTService {
    /// Any command, with its progress as it comes, on the event loop.
    public func run(
        _ command: DHTCommand,
        progress: (@Sendable (DHTProgress) -> Void)? = nil
    ) async -> DHTOutcome {
        await run(command, id: newCommand()) { value, _ in progress?(value) }
    }

    private func run(
        _ command: DHTCommand,
        id: CommandID,
        progress: @escaping @Sendable (DHTProgress, DHTDriver) -> Void
    ) async -> DHTOutcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute {
                    let waiter = DHTDriver.Waiter(progress: progress) { continuation.resume(returning: $0) }
                    self.driver.value.start(command, id: id, waiter)
                }
            }
        } onCancel: {
            eventLoop.execute { self.driver.value.cancel(id) }
        }
    }

    /// The peers of a torrent as they are found. Ends with the search; ending the loop early ends the search.
    ///
    /// No peer comes twice. `buffer` batches are kept for a slow reader; older ones are dropped then.
    public func peers(for infoHash: Digest160, buffer: Int = 64) -> AsyncStream<[Endpoint]> {
        let id = newCommand()
        return AsyncStream(bufferingPolicy: .bufferingNewest(buffer)) { continuation in
            continuation.onTermination = { [eventLoop, driver] reason in
                guard case .cancelled = reason else { return }
                eventLoop.execute { driver.value.cancel(id) }
            }
            eventLoop.execute {
                var waiter = DHTDriver.Waiter { _ in continuation.finish() }
                waiter.progress = { progress, _ in
                    if case .peers(let peers) = progress { continuation.yield(peers) }
                }
                self.driver.value.start(.getPeers(infoHash), id: id, waiter)
            }
        }
    }

    /// How many peers a torrent has, without asking for them (BEP 33). Throws ``DHTServiceError``.
    public func scrape(_ infoHash: Digest160) async throws(DHTServiceError) -> ScrapeReport {
        switch await run(.scrape(infoHash)) {
        case .scraped(let report, _): return report
        case let other: throw .init(other)
        }
    }

    /// Torrents that nodes on the way to a target have peers of (BEP 51). Throws ``DHTServiceError``.
    public func sampleInfohashes(near target: NodeID) async throws(DHTServiceError) -> SampleReport {
        switch await run(.sampleInfohashes(near: target)) {
        case .samples(let report, _): return report
        case let other: throw .init(other)
        }
    }

    /// The closest nodes to a target, and how the search went.
    /// - Throws: ``DHTServiceError``.
    public func findNode(_ target: NodeID) async throws(DHTServiceError) -> LookupReport {
        switch await run(.findNode(target)) {
        case .nodes(let report): return report
        case let other: throw .init(other)
        }
    }

    /// Says that we serve a torrent, at the port of the UDP socket where `port` is nil. Throws ``DHTServiceError``.
    ///
    /// `isSeed`: we have all of it (BEP 33).
    @discardableResult
    public func announce(
        _ infoHash: Digest160,
        port: UInt16?,
        isSeed: Bool = false,
        keep: KeepPolicy = .own
    ) async throws(DHTServiceError) -> StoreReport {
        eventLoop.execute { self.driver.value.inspect { $0.setSeed(isSeed, of: infoHash) } }
        return try await publish(.peer(infoHash: infoHash, port: port), keep: keep)
    }

    /// Keeps something alive from now on, without publishing it first.
    public func keep(_ publication: Publication, policy: KeepPolicy) {
        eventLoop.execute { self.driver.value.keep(publication, policy: policy) }
    }

    /// Stops repeating what was published with a ``KeepPolicy``; what others hold of it expires.
    public func stopPublishing(_ publication: Publication) {
        eventLoop.execute { self.driver.value.inspect { $0.stopPublishing(publication) } }
    }

    /// Announces or puts.
    /// - Throws: ``DHTServiceError``.
    @discardableResult
    public func publish(
        _ publication: Publication,
        expecting expected: Int64? = nil,
        keep: KeepPolicy = .once
    ) async throws(DHTServiceError) -> StoreReport {
        switch await run(.publish(publication, expecting: expected, keep: keep)) {
        case .stored(let report, _): return report
        case let other: throw .init(other)
        }
    }

    /// The newest item, once the closest live nodes have answered. `first` is called on the event loop for each item
    /// that is newer than the one before, as they come. Throws ``DHTServiceError``.
    public func mutable(
        _ key: PublicKey,
        salt: [UInt8] = [],
        first: (@Sendable (MutableItem) -> Void)? = nil
    ) async throws(DHTServiceError) -> MutableReport {
        let outcome = await run(.getMutable(key: key, salt: salt)) { progress in
            if case .item(let item) = progress { first?(item) }
        }
        switch outcome {
        case .mutable(let report, _): return report
        case let other: throw .init(other)
        }
    }

    /// The value under a hash, in bencoding, and how many other nodes hold it; nil where no node has it.
    /// - Throws: ``DHTServiceError``.
    public func immutable(_ target: NodeID) async throws(DHTServiceError) -> (value: [UInt8], holders: Int)? {
        switch await run(.getImmutable(target)) {
        case .immutable(let value, let holders, _): return value.map { ($0, holders) }
        case let other: throw .init(other)
        }
    }

    /// Reads the newest item under a key and puts the next one, in one lookup.
    /// - Parameters:
    ///   - key: signs on the event loop.
    ///   - salt: at most 64 bytes.
    ///   - value: bencoded, at most 1,000 bytes.
    ///   - minimum: the lowest sequence number to use; one above the highest seen where that is more.
    ///   - keep: whether it is put again every hour.
    /// - Returns: the item as signed, and where it went.
    /// - Throws: ``DHTServiceError``.
    public func update(
        with key: SigningKey,
        salt: [UInt8] = [],
        value: [UInt8],
        minimum: Int64 = 1,
        keep: KeepPolicy = .own
    ) async throws(DHTServiceError) -> (item: MutableItem, report: StoreReport) {
        // What cannot be signed is refused before anybody is asked.
        do throws(ItemError) {
            _ = try MutableItem.signed(value: value, salt: salt, sequence: max(0, minimum), by: key)
        } catch { throw .item(error) }
        let id = newCommand()
        let signer = ItemSigner(key: key, salt: salt, value: value, minimum: max(0, minimum))
        let command = DHTCommand.update(key: key.publicKey, salt: salt, keep: keep)
        let outcome = await run(command, id: id) { progress, driver in
            guard case .readyToSign(let current, let highest) = progress else { return }
            // Not from inside the machine's own actions: those are performed to the end first.
            let item = signer.sign(above: max(current?.sequence ?? -1, highest ?? -1))
            driver.supplyLater(item, for: id)
        }
        switch (outcome, signer.item) {
        case (.stored(let report, _), let item?): return (item, report)
        case (.cancelled, nil) where signer.isExhausted: throw .sequenceExhausted
        case (let other, _): throw .init(other)
        }
    }
}

extension DHTServiceError {
    /// An outcome other than the one that its command has when it succeeds.
    fileprivate init(_ outcome: DHTOutcome) {
        if case .refused = outcome { self = .busy } else { self = .cancelled }
    }
}

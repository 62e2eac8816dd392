// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import NIOCore
internal import Synchronization
internal import Wire

/// A connection on which one site is spoken about, as the rest of the node sees it. Thread-safe.
final class SiteConnection: Sendable {
    let id: UInt64
    let site: Digest256
    /// Where the peer's bytes come from: where it listens only if we made the connection.
    let remote: Endpoint
    let isOutgoing: Bool
    let loop: any EventLoop
    private let driver = Mutex<NIOLoopBound<SiteExchangeDriver>?>(nil)
    private let state = Mutex(State())

    private struct State {
        var nextCommand: UInt64 = 0
        var openCommands = 0
        var listenPort: UInt16?
    }

    init(id: UInt64, site: Digest256, remote: Endpoint, isOutgoing: Bool, loop: any EventLoop) {
        self.id = id
        self.site = site
        self.remote = remote
        self.isOutgoing = isOutgoing
        self.loop = loop
    }

    /// Makes the handler of this connection. On its loop, once.
    func makeDriver(service: SiteService, early: ByteBuffer = ByteBuffer()) -> SiteExchangeDriver {
        let driver = SiteExchangeDriver(service: service, connection: self, early: early)
        let bound = NIOLoopBound(driver, eventLoop: loop)
        self.driver.withLock { $0 = bound }
        return driver
    }

    /// Where the peer accepts connections, for torrents too; nil while it has not said.
    var endpoint: Endpoint? {
        if isOutgoing { return remote }
        return state.withLock { $0.listenPort }.map { Endpoint(remote.address, port: $0) }
    }

    func peerListens(at port: UInt16?) {
        guard port != 0 else { return }
        state.withLock { $0.listenPort = port }
    }

    /// Commands without an answer.
    var openCommands: Int { state.withLock { $0.openCommands } }

    /// Asks the peer for its head. `done` is called once, on the loop.
    func synchronise(_ done: @escaping @Sendable (SiteSyncOutcome) -> Void) {
        onDriver(orElse: { done(.unreachable) }) { $0.synchronise(done) }
    }

    /// Asks for something, for at most ten seconds. Cancelling the caller ends the wait.
    func ask(_ command: SiteCommand) async -> SiteResult {
        let id = state.withLock { state in
            state.nextCommand += 1
            state.openCommands += 1
            return state.nextCommand
        }
        defer { state.withLock { $0.openCommands -= 1 } }
        guard !Task.isCancelled else { return .notAsked }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                onDriver(orElse: { continuation.resume(returning: .notAsked) }) { driver in
                    driver.ask(command, id: id) { continuation.resume(returning: $0) }
                }
            }
        } onCancel: {
            onDriver { $0.abandon(id) }
        }
    }

    func feedChanged(_ feed: SiteFeed) { onDriver { $0.feedChanged(feed) } }
    func setHeld(_ releases: [Int64]) { onDriver { $0.setHeld(releases) } }
    /// `fallback`: run where there is no driver, or none any more.
    func close(orElse fallback: () -> Void = {}) { onDriver(orElse: fallback) { $0.close() } }

    private func onDriver(
        orElse fallback: () -> Void = {},
        _ body: @escaping @Sendable (SiteExchangeDriver) -> Void
    ) {
        guard let driver = driver.withLock({ $0 }) else { return fallback() }
        loop.execute { body(driver.value) }
    }

    /// Lets go of the driver, which is closed.
    func ended() { driver.withLock { $0 = nil } }
}

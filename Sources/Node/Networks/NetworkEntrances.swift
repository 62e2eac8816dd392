// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Transport
internal import Wire

/// Where the network is entered: Mainline's routers where it is Mainline, and what the configuration names.
///
/// Names are looked up on a thread of their own, since that may block for a minute; nobody waits for it.
final class NetworkEntrances: Sendable {
    private struct State {
        var lookups = 0
        var pause = Duration.seconds(2)
        var next: ContinuousClock.Instant?
        var isOver = false
    }

    private let dht: DHTService
    /// Those that have an address already; joined once, since the DHT remembers them.
    private let literals: [Endpoint]
    private let names: [(name: String, isRouter: Bool)]
    private let families: Set<AddressFamily>
    private let state = Mutex(State())
    private let thread: NIOThreadPool?

    init(configuration: NodeConfiguration, dht: DHTService) {
        self.dht = dht
        let families = Set(dht.localEndpoints.map { $0.family })
        self.families = families
        literals = configuration.bootstrap.compactMap { Endpoint($0) }.filter { families.contains($0.family) }
        let routers = configuration.network == "mainline" ? DHTSpecification.mainlineRouters : []
        let others = configuration.bootstrap.filter { Endpoint($0) == nil }
        names = others.map { ($0, false) } + routers.map { ($0, true) }
        thread = names.isEmpty ? nil : NIOThreadPool(numberOfThreads: 1)
        thread?.start()
    }

    /// Whether anybody is known to ask for the way in.
    var exist: Bool { !literals.isEmpty || !names.isEmpty }

    /// Enters at the addresses that need no lookup.
    func join() {
        if !literals.isEmpty { dht.join(through: literals) }
    }

    /// Looks up names while no node is known: at once, then with pauses that double from 2 s to a minute.
    func seek(nodes count: Int, now: ContinuousClock.Instant) {
        let isDue = state.withLock { state in
            guard count == 0 else {
                // The pauses begin anew when everybody is lost later.
                state.pause = .seconds(2)
                if state.next != nil { state.next = now + state.pause }
                return false
            }
            guard !state.isOver, !names.isEmpty, state.lookups == 0, state.next.map({ now >= $0 }) ?? true else {
                return false
            }
            state.lookups = names.count
            state.next = now + state.pause
            state.pause = min(state.pause * 2, .seconds(60))
            return true
        }
        guard isDue, let thread else { return }
        for (name, isRouter) in names { lookUp(name, isRouter: isRouter, on: thread) }
    }

    func shutdown() {
        state.withLock { $0.isOver = true }
        // A lookup that hangs must not hold anybody up.
        thread?.shutdownGracefully { _ in }
    }

    private func lookUp(_ name: String, isRouter: Bool, on thread: NIOThreadPool) {
        let found = thread.runIfActive(eventLoop: dht.eventLoop) { DHTService.lookUp(name) }
        found.whenComplete { [self] result in
            state.withLock { $0.lookups -= 1 }
            let found = (try? result.get()) ?? []
            let endpoints = found.filter { families.contains($0.family) }
            if !endpoints.isEmpty { dht.join(through: endpoints, areRouters: isRouter) }
        }
    }
}

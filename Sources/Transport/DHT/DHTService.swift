// SPDX-License-Identifier: Apache-2.0
public import Kademlia
public import Keys
public import NIOCore
internal import NIOPosix
internal import Synchronization
public import Wire

/// Why a DHT command has no result.
public enum DHTServiceError: Error, Equatable {
    /// As many commands as ``DHTConfiguration/maximumOperations`` are at work.
    case busy
    /// Cancelled by its caller, or the service has been shut down.
    case cancelled
    /// The item in place has the highest number there is; nothing can follow it.
    case sequenceExhausted
    case item(ItemError)
}

/// A node of a DHT on UDP sockets, for callers on any thread.
///
/// Commands end by themselves, at the latest after about ten seconds; cancelling the calling task ends them at once.
public final class DHTService: Sendable {
    /// The one that all its sockets live on.
    public let eventLoop: any EventLoop
    let driver: NIOLoopBound<DHTDriver>
    private let sockets: Mutex<[UDPSocket]>
    private let statePath: String?
    private let nextCommand = Atomic<UInt64>(1)
    private let saving = Mutex<RepeatedTask?>(nil)

    private init(_ eventLoop: any EventLoop, _ driver: NIOLoopBound<DHTDriver>, _ sockets: [UDPSocket], _ path: String?)
    {
        self.eventLoop = eventLoop
        self.driver = driver
        self.sockets = Mutex(sockets)
        statePath = path
    }

    /// Starts a node on sockets that the caller keeps: one of each family, all on one event loop.
    ///
    /// The families and the local port of `configuration` follow from the sockets. `statePath` names a file with what
    /// the node knew: read now, written every five minutes and at the end. `onEvent` is called on the event loop and
    /// must not block. `announcer` signs what a zone hears of us, where ``DHTConfiguration/zone`` is set. The node knows nobody until ``join(through:areRouters:)``, or its state names some. Throws only
    /// where the event loop is shut down.
    public static func start(
        on sockets: [UDPSocket],
        configuration: DHTConfiguration = DHTConfiguration(),
        statePath: String? = nil,
        announcer: PeerAnnouncer? = nil,
        onEvent: (@Sendable (DHTEvent) -> Void)? = nil
    ) async throws -> DHTService {
        precondition(!sockets.isEmpty, "a node needs a socket")
        let eventLoop = sockets[0].eventLoop
        let configuration = Self.fitted(configuration, to: sockets)
        let state = try await NIOThreadPool.singleton.runIfActive {
            statePath.flatMap { StateFile.read($0) }.flatMap { DHTState(parsing: $0) }
        }
        var generator = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let driver = try await eventLoop.submit {
            var node = DHTNode(
                id: state?.id,
                id6: state?.id6,
                configuration: configuration,
                seed: seed,
                now: DHTDriver.now
            )
            if let state { node.restore(state, now: DHTDriver.now) }
            let driver = DHTDriver(node, sockets, eventLoop, announcer: announcer, onEvent)
            driver.open()
            if state != nil { driver.join(through: [], areRouters: false) }
            return NIOLoopBound(driver, eventLoop: eventLoop)
        }.get()
        let service = DHTService(eventLoop, driver, sockets, statePath)
        service.saveRegularly()
        return service
    }

    private static func fitted(_ configuration: DHTConfiguration, to sockets: [UDPSocket]) -> DHTConfiguration {
        var configuration = configuration
        configuration.families = Set(sockets.map { $0.localEndpoint.family })
        configuration.localPort = sockets[0].localEndpoint.port
        for bound in sockets.map({ $0.localEndpoint.address }) where !bound.isUnspecified {
            guard !configuration.localAddresses.contains(where: { $0.isV4 == bound.isV4 }) else { continue }
            configuration.localAddresses.append(bound)
        }
        return configuration
    }

    /// Where it is reached, one a family; changes with ``replace(_:)``.
    public var localEndpoints: [Endpoint] { sockets.withLock { $0.map { $0.localEndpoint } } }

    /// Goes on over other sockets, where the system closed the ones before: of the same families, bound to the same
    /// ports, on the same event loop.
    public func replace(_ sockets: [UDPSocket]) async throws {
        precondition(sockets.allSatisfy { $0.eventLoop === eventLoop }, "a node lives on one event loop")
        self.sockets.withLock { $0 = sockets }
        try await eventLoop.submit { self.driver.value.replace(sockets) }.get()
    }

    /// Begins at these addresses.
    /// - Parameters:
    ///   - entrances: nodes to ask first.
    ///   - areRouters: asked but never listed, as Mainline's well-known ones.
    public func join(through entrances: [Endpoint], areRouters: Bool = false) {
        eventLoop.execute { self.driver.value.join(through: entrances, areRouters: areRouters) }
    }

    /// A peer says that a node is there (BEP 5 `port`): asked whether it is, at most once a minute.
    public func meet(_ endpoint: Endpoint) { eventLoop.execute { self.driver.value.meet(endpoint) } }

    /// Looks up `host:port` names; those that do not resolve are left out.
    public static func resolve(_ names: [String], families: Set<AddressFamily> = [.v4]) async -> [Endpoint] {
        let found = try? await NIOThreadPool.singleton.runIfActive { names.flatMap { lookUp($0) } }
        return (found ?? []).filter { families.contains($0.family) }
    }

    /// Looks up one `host:port`, which may block for many seconds: the first address of each family.
    public static func lookUp(_ name: String) -> [Endpoint] {
        if let endpoint = Endpoint(name) { return [endpoint] }
        guard let colon = name.lastIndex(of: ":"), let port = UInt16(name[name.index(after: colon)...]) else {
            return []
        }
        let found = SystemResolver.lookUp(String(name[..<colon])).map { Endpoint($0, port: port) }
        return AddressFamily.allCases.compactMap { family in found.first { $0.family == family } }
    }

    // MARK: - State

    /// Asks the machine something on its event loop. `body` must be brief and change nothing.
    public func inspect<Value: Sendable>(_ body: @escaping @Sendable (inout DHTNode) -> Value) async throws -> Value {
        try await eventLoop.submit { self.driver.value.inspect(body) }.get()
    }

    /// Whether a stranger has asked this node something in the last half hour: queries get through to it unasked.
    public var isReachable: Bool {
        get async throws { try await eventLoop.submit { self.driver.value.isReachable }.get() }
    }

    /// The peer records that this node holds of its zone, its own among them; none where announcement is off.
    public func zoneRecords() async throws -> [PeerRecord] {
        try await eventLoop.submit { self.driver.value.inspect { $0.zoneRecords(now: DHTDriver.now) } }.get()
    }

    /// Writes the state file now, so that it is on disk when this returns.
    /// - Throws: ``StateFileError``.
    public func saveState() async throws {
        guard let statePath else { return }
        let state = try await inspect { $0.state }
        try await NIOThreadPool.singleton.runIfActive { try StateFile.write(state.encoded, to: statePath) }
    }

    private func saveRegularly() {
        guard let statePath else { return }
        let pause = TimeAmount.minutes(5)
        let task = eventLoop.scheduleRepeatedAsyncTask(initialDelay: pause, delay: pause) { [driver, eventLoop] _ in
            let state = driver.value.inspect { $0.state }
            return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
                // A failed save is tried again in five minutes, and at the end, where the caller hears of it.
                try? StateFile.write(state.encoded, to: statePath)
            }
        }
        saving.withLock { $0 = task }
    }

    /// Ends every command and writes the state. The sockets stay open: they are the caller's.
    /// - Throws: ``StateFileError``.
    public func shutdown() async throws {
        saving.withLock { $0?.cancel() }
        // Also where the state cannot be written.
        try await eventLoop.submit { self.driver.value.part() }.get()
        try await saveState()
        try await eventLoop.submit { self.driver.value.close() }.get()
    }

    func newCommand() -> CommandID { nextCommand.wrappingAdd(1, ordering: .relaxed).oldValue }
}

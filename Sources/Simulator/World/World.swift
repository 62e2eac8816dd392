// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
public import Wire

/// A deterministic world of hosts, lines and time: the same seed gives the same run on every machine.
///
/// Events happen one after the other at their times; while one is handled no time passes. All randomness comes from
/// streams of the seed, no figure is a floating-point number, and nothing depends on the order of a hashed collection.
/// Memory: about 120 bytes an event under way beside its bytes.
public final class World {
    /// What wall clocks show when a world begins, since 1970: 1 January 2026.
    public static let beginning = Duration.seconds(1_767_225_600)

    enum Event {
        case datagram(Datagram)
        case wake(host: Int, incarnation: UInt32)
        /// Something of a host that is lost when it is switched off.
        case step(Trace.Kind, host: Int, incarnation: UInt32, content: UInt64, () -> Void)
        case script(() -> Void)
    }

    /// One on its way.
    struct Datagram {
        /// By ``Host/index``: who had the address when it was sent, and has it still in this incarnation.
        var receiver: Int
        var incarnation: UInt32
        var source: Endpoint
        /// Of the address that it was sent to: what a router decides by.
        var port: UInt16
        var bytes: [UInt8]
        /// Others had the receiver's line when it reached it.
        var hasWaited = false
    }

    /// Of all randomness in it.
    public let seed: UInt64
    /// The time of the event at hand.
    public private(set) var now = VirtualTime.zero
    /// Those ever added, by ``Host/index``.
    public private(set) var hosts: [Host] = []
    /// At most one, the first: the run ends with it.
    public private(set) var violations: [Violation] = []
    /// Events that were handled on a host.
    public private(set) var eventCount: UInt64 = 0
    /// Of all datagrams that were sent, with 28 bytes of headers each.
    var bytesSent = 0
    /// Told after each event on which host it happened, for what only the scenario knows; may be nil. What must hold for every
    /// program of a kind is looked at in its ``Program/touched()``.
    var onTouch: ((Host) -> Void)?
    /// Whether messages are looked through for what users are called.
    var namesUsers = false
    var trace = Trace()
    var network: Network
    var queue = EventQueue<Event>()
    /// Answers that a DHT node has written and that have not been sent yet; empty between events.
    var answers = DatagramBatch()
    private var placement: RandomStream
    private var isStopped = false
    private var eventsOfMoment = 0
    /// More at one time can only be something that plans itself again and again.
    private static let maximumEventsOfMoment = 1_000_000

    /// A world without hosts, at time zero.
    public init(seed: UInt64) {
        self.seed = seed
        network = Network(seed: seed)
        placement = RandomStream(seed: seed, "placement")
    }

    /// A stream of this run's randomness.
    public func stream(_ name: String, _ number: Int = 0) -> RandomStream {
        RandomStream(seed: seed, name, UInt64(truncatingIfNeeded: number))
    }

    /// The hash of everything so far.
    public var digest: String { trace.digest.hex }

    // MARK: - Hosts

    /// A new host, switched off. Without an `address` it gets a public one of its own.
    public func addHost(address: IPAddress? = nil, port: UInt16 = 6881) -> Host {
        let host = Host(
            index: hosts.count,
            world: self,
            endpoint: Endpoint(address ?? freshAddress(), port: port),
            place: Geography.place(using: &placement),
            clockLead: placement.time(below: .seconds(100_000))
        )
        hosts.append(host)
        network.own(host.endpoint.address, by: host.index)
        return host
    }

    /// The host moves to another line and address, as a laptop or another computer in its place.
    public func move(_ host: Host, to address: IPAddress? = nil) {
        network.disown(host.endpoint.address, by: host.index)
        host.endpoint = Endpoint(address ?? freshAddress(), port: host.endpoint.port)
        host.place = Geography.place(using: &placement)
        network.own(host.endpoint.address, by: host.index)
    }

    /// A public IPv4 address that nobody has.
    public func freshAddress() -> IPAddress {
        while true {
            let value = UInt32(truncatingIfNeeded: placement.next())
            let address = IPAddress.v4(value)
            let first = value >> 24
            guard (1...223).contains(first), first != 100, first != 198, first != 203, first != 192, !address.isLocal,
                network.owner(of: address) == nil
            else { continue }
            return address
        }
    }

    // MARK: - Time

    /// Something that the scenario does at a time.
    public func plan(at time: VirtualTime, _ body: @escaping () -> Void) {
        queue.plan(.script(body), at: max(time, now))
    }
    /// The same, so long after now.
    public func plan(after delay: Duration, _ body: @escaping () -> Void) { plan(at: now + delay, body) }

    /// Something that happens to a host unless it is switched off before.
    func plan(_ kind: Trace.Kind, of host: Host, at time: VirtualTime, content: UInt64, _ body: @escaping () -> Void) {
        let event = Event.step(kind, host: host.index, incarnation: host.incarnation, content: content, body)
        queue.plan(event, at: max(time, now))
    }

    func planWake(of host: Host, at time: VirtualTime) {
        queue.plan(.wake(host: host.index, incarnation: host.incarnation), at: time)
    }

    /// Lets time pass until then, or until an invariant is violated.
    public func run(until end: VirtualTime) {
        while !isStopped, let time = queue.nextTime, time <= end, let next = queue.next() {
            eventsOfMoment = next.time == now ? eventsOfMoment + 1 : 0
            now = next.time
            handle(next.event)
            if eventsOfMoment > Self.maximumEventsOfMoment {
                violate(.timeGoesOn, "more than \(Self.maximumEventsOfMoment) events in one nanosecond")
            }
        }
        if !isStopped { now = max(now, end) }
    }

    private func handle(_ event: Event) {
        switch event {
        case .datagram(let datagram):
            let host = hosts[datagram.receiver]
            guard host.incarnation == datagram.incarnation, let program = host.program else { return }
            guard datagram.hasWaited || hasCome(datagram, to: host), isAdmitted(datagram, to: host) else { return }
            trace.add(.datagram, at: now, host: host.index, Trace.content(of: datagram.bytes))
            program.receive(datagram.bytes, from: datagram.source)
            touched(host)
        case .wake(let index, let incarnation):
            let host = hosts[index]
            guard host.incarnation == incarnation, host.wakeArrived(at: now), let program = host.program else { return }
            trace.add(.wake, at: now, host: index, 0)
            program.wake()
            touched(host)
        case .step(let kind, let index, let incarnation, let content, let body):
            let host = hosts[index]
            guard host.incarnation == incarnation, host.isOn else { return }
            trace.add(kind, at: now, host: index, content)
            body()
            touched(host)
        case .script(let body):
            trace.add(.script, at: now, host: -1, 0)
            body()
        }
    }

    private func touched(_ host: Host) {
        eventCount += 1
        host.program?.touched()
        onTouch?(host)
    }

    /// Lets go of everything that refers to something else in it: hosts and programs hold each other.
    func end() {
        onTouch = nil
        queue = EventQueue()
        for host in hosts { host.forgetProgram() }
    }

    // MARK: - What must hold

    /// Says that something happened that must not; the run ends here, and what follows from it does not count.
    public func violate(_ invariant: Invariant, _ detail: String, host: Host? = nil) {
        guard violations.isEmpty else { return }
        trace.add(.violation, at: now, host: host?.index ?? -1, Trace.content(of: invariant.rawValue))
        violations.append(Violation(invariant: invariant, detail: detail, host: host?.index, time: now))
        isStopped = true
    }

    /// Adds something to the trace that no event shows, such as a fault or a figure.
    public func note(_ text: String, host: Host? = nil) {
        trace.add(.fault, at: now, host: host?.index ?? -1, Trace.content(of: text))
    }
}

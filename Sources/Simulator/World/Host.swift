// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What runs on a host: the product's machines and the little that carries out their actions.
public protocol Program: AnyObject {
    func receive(_ datagram: [UInt8], from source: Endpoint)
    /// The time that the host was last told to ``Host/wake(at:)`` has come.
    func wake()
    /// After each event of its host: what must hold for every program of its kind, whatever the scenario.
    func touched()
}

extension Program {
    /// Nothing to look at.
    public func touched() {}
}

/// A computer of the simulated world: an address, a line, a clock, and a program while it is switched on.
public final class Host {
    /// Its number in ``World/hosts``.
    public let index: Int
    unowned let world: World
    /// Its own address and port, which a router may change for others.
    public internal(set) var endpoint: Endpoint
    /// What it is connected by at this moment; ``worsen(for:_:)`` changes it for a while.
    public var line = Line()
    /// What stands between it and the others.
    public var translation: AddressTranslation
    /// What its user is called: nobody else is ever to hear of it. Empty where nothing is checked.
    public var userName: [UInt8] = []
    /// Two hosts hear of each other only while they stand on the same island.
    public var island = 0
    /// Where it stands on the map of ``Geography``.
    var place: Geography.Place
    /// Nil while it is switched off.
    public private(set) var program: (any Program)?
    /// Counts how often it was switched on or off: what was on its way to an earlier time is lost.
    private(set) var incarnation: UInt32 = 0
    /// When its line has sent all that was given to it, and has taken all that has reached it.
    var uplinkFree = VirtualTime.zero
    private var downlinkFree = VirtualTime.zero
    /// What the line is like when nothing is wrong with it, and how many things are.
    private var usualLine: Line?
    private var lineTroubles = 0

    /// Its monotonic clock began so long before the world.
    private var clockLead: Int64
    /// Its wall clock is so far from the world's; may be changed in any direction.
    public var wallSkew = Duration.zero
    private var wanted: Int64?
    /// When the next event that can wake it comes, and in which incarnation that was planned: in another it is lost.
    private var planned = Int64.max
    private var plannedIn: UInt32 = 0

    init(index: Int, world: World, endpoint: Endpoint, place: Geography.Place, clockLead: Duration) {
        self.index = index
        self.world = world
        self.endpoint = endpoint
        self.place = place
        self.clockLead = clockLead.inNanoseconds
        translation = .none
    }

    /// Whether it is switched on.
    public var isOn: Bool { program != nil }

    /// Its monotonic clock.
    public var now: Duration { .nanoseconds(world.now.nanoseconds + clockLead) }
    /// Its wall clock, since 1970.
    public var wallTime: Duration { World.beginning + world.now.duration + wallSkew }

    /// Sends a datagram from its port.
    public func send(_ bytes: [UInt8], to destination: Endpoint) { world.send(bytes, from: self, to: destination) }

    /// Asks to be woken at a time of its own clock; replaces what was asked before.
    public func wake(at time: Duration) {
        // Rounded up: woken a part of a nanosecond early, a machine would find nothing due and ask for the same again.
        let nanoseconds = time.inNanoseconds
        let exact = Duration.nanoseconds(nanoseconds) < time ? nanoseconds + 1 : nanoseconds
        let moment = max(exact &- clockLead, world.now.nanoseconds)
        wanted = moment
        if moment < planned { planWake(at: moment) }
    }

    private func planWake(at moment: Int64) {
        (planned, plannedIn) = (moment, incarnation)
        world.planWake(of: self, at: VirtualTime(nanoseconds: moment))
    }

    // MARK: - Line

    /// Something goes wrong with its line for so long. Several may at once; with the last one that ends all is well again.
    func worsen(for time: Duration, _ change: (inout Line) -> Void) {
        let usual = usualLine ?? line
        usualLine = usual
        lineTroubles += 1
        change(&line)
        world.plan(after: time) { [self] in
            lineTroubles -= 1
            if lineTroubles == 0 { line = usual }
        }
    }

    /// When that many bytes of which the last reaches the line now have come in: later than now where others came before.
    func comesIn(_ bytes: Int) -> VirtualTime {
        let own = Int64(bytes) * 1_000_000_000 / Int64(max(line.downlink, 1))
        downlinkFree = VirtualTime(nanoseconds: max(downlinkFree.nanoseconds, world.now.nanoseconds - own) + own)
        return downlinkFree
    }

    /// Whether what waits for the line from outside is more than its buffer takes.
    var isFlooded: Bool { downlinkFree - world.now > line.buffer }

    // MARK: - Time

    /// Whether it will be woken when it wants to be: by an event that is still to come and that it will take.
    var hasWake: Bool {
        guard let wanted else { return false }
        return planned <= wanted && planned >= world.now.nanoseconds && plannedIn == incarnation
    }

    /// A planned wake has come: it counts if it is the one asked for last.
    func wakeArrived(at time: VirtualTime) -> Bool {
        guard planned == time.nanoseconds else { return false }
        planned = .max
        guard let moment = wanted else { return false }
        guard moment <= time.nanoseconds else {
            planWake(at: moment)
            return false
        }
        wanted = nil
        return true
    }

    /// Its monotonic clock begins anew and shows this; to be called before a program is made for it.
    public func restartClock(at time: Duration) { clockLead = time.inNanoseconds - world.now.nanoseconds }

    /// Switches it on with a program; one that is on starts anew.
    public func switchOn(_ program: any Program) {
        forgetWake()
        self.program = program
        world.trace.add(.power, at: world.now, host: index, 1)
    }

    /// The world has ended.
    func forgetProgram() { program = nil }

    /// Power fails: the program is gone, and with it everything that it had not written.
    public func switchOff() {
        forgetWake()
        program = nil
        world.trace.add(.power, at: world.now, host: index, 0)
    }

    /// What was planned is of an earlier incarnation from now on: nothing is left that would wake it.
    private func forgetWake() {
        incarnation &+= 1
        (wanted, planned) = (nil, .max)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What must hold in a simulated world, by the name that a violation has.
public enum Invariant: String, Sendable, CaseIterable {
    // 1: Nothing is shown, offered or kept as valid that is not under a signed head, or under the hash that was asked for.

    /// What a session offers is on its disk, byte for byte, unless the disk lost it after it had said that it was safe.
    case offeredIsVerified = "offered-is-verified"
    /// Every head that is kept was signed with a key that the site's own key leads to.
    case onlyProven = "only-proven"
    /// Directory nodes that are shown are the owner's.
    case shownIsVerified = "shown-is-verified"
    /// What is stored proves itself when it is read again.
    case storedProvesItself = "stored-proves-itself"

    // 2: Keys and ids stay what they are.

    /// A site's key is the one that its id is the hash of, and in one epoch a release number means one release for ever.
    case neverReassigned = "never-reassigned"

    // 3: What a peer knows never gets older.

    /// A reader's state is never below one that its disk has accepted, also after it removed the site.
    case neverLower = "never-lower"
    /// No node is given an item older than one that it was given before and had saved.
    case neverOlder = "never-older"
    /// Heads that prove something against a key are kept as soon as they do, and stay.
    case evidenceIsKept = "evidence-is-kept"

    // 4: No name of a user is to be had from a peer.

    /// No host sends what its user is called, and nothing that is known of a peer has a user's name in it.
    case noNames = "no-names"

    // What else must hold.

    /// No queue is above its bound.
    case queuesAreBounded = "queues-are-bounded"
    /// Whoever has something open has a timer planned.
    case timerIsSet = "timer-is-set"
    /// No datagram is larger than a node may send.
    case datagramSize = "datagram-size"
    /// Every command ends in its time.
    case commandEnds = "command-ends"
    /// No two events plan each other for ever at one time.
    case timeGoesOn = "time-goes-on"
    /// A stream brings what was written, in order, and nothing else.
    case streamIsTrue = "stream-is-true"
    /// A stream gets on while the lines let it.
    case streamGetsOn = "stream-gets-on"
    /// Who never lied is not banned for a lie.
    case honestIsNotBanned = "honest-is-not-banned"
    /// In the end everybody has the newest state.
    case newestIsFound = "newest-is-found"
    /// In a network of ``DHTChurn/boundedNodes`` and more, 99 of 100 searches for peers find one that is on.
    case lookupsSucceed = "lookups-succeed"
    /// There no search takes more than log2(N) + 3 hops.
    case hopsAreFew = "hops-are-few"
    /// Half of a zone holds the record of a node that is on, from half a minute after it came.
    case zoneKnowsMember = "zone-knows-member"
    /// Nobody in a zone holds the record of a node that has gone for longer than the record's life.
    case zoneForgetsMember = "zone-forgets-member"
    /// In the end everybody has everything.
    case everybodyCompletes = "everybody-completes"
    /// What a scenario is there to try has happened in it.
    case scenarioIsTried = "scenario-is-tried"

    /// The number of the project's invariant that it is a part of; nil for the others.
    public var number: Int? {
        switch self {
        case .offeredIsVerified, .onlyProven, .shownIsVerified, .storedProvesItself: 1
        case .neverReassigned: 2
        case .neverLower, .neverOlder, .evidenceIsKept: 3
        case .noNames: 4
        default: nil
        }
    }
}

/// An invariant that did not hold.
public struct Violation: Equatable, Sendable, CustomStringConvertible {
    /// Which.
    public var invariant: Invariant
    /// What was seen.
    public var detail: String
    /// Where, by ``Host/index``; nil where it is nobody's alone.
    public var host: Int?
    /// When.
    public var time: VirtualTime

    /// `violated never-lower at 31.250 s on host 3: 4 entries after 5`.
    public var description: String {
        "violated \(invariant.rawValue) at \(time)" + (host.map { " on host \($0)" } ?? "") + ": \(detail)"
    }
}

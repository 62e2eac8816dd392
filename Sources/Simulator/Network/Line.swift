// SPDX-License-Identifier: Apache-2.0

/// What a host is connected by.
public struct Line: Sendable {
    /// Bytes a second that leave.
    public var uplink = 2_500_000
    /// Bytes a second that come in.
    public var downlink = 12_500_000
    /// What is added to the way of each datagram, evenly drawn below this.
    public var jitter = Duration.milliseconds(4)
    /// Datagrams lost, in a million.
    public var lossPerMillion = 5_000
    /// Datagrams delivered twice, in a million.
    public var duplicatesPerMillion = 200
    /// Datagrams held back so long that later ones overtake them, in a million.
    public var reorderedPerMillion = 1_000
    /// How long a datagram is held back at most.
    public var reorderDelay = Duration.milliseconds(150)
    /// What waits for the line at most, as time; what comes on top is dropped.
    public var buffer = Duration.milliseconds(500)

    /// An ordinary home.
    public init() {}
}

/// What stands between a host and the others (RFC 4787 §4, §5).
public enum AddressTranslation: Sendable, Equatable {
    /// Everybody gets through.
    case none
    /// One port outside for one inside, whoever is written to; while it is used, everybody gets through ("full cone").
    case open
    /// One port outside for one inside, whoever is written to; only who was written to may answer ("port-restricted").
    case cone
    /// Another port outside for everyone who is written to.
    case symmetric
}

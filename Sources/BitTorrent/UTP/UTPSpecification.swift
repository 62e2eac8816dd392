// SPDX-License-Identifier: Apache-2.0

/// Numbers of BEP 29 and of what its implementations agree on. Times are in microseconds.
public enum UTPSpecification {
    /// Bytes of the header without extensions (BEP 29 "header format").
    public static let headerByteCount = 20
    static let version: UInt8 = 1

    /// The delay that we allow ourselves to add to a path at most (LEDBAT++ §4.1; BEP 29 CCONTROL_TARGET is 100 ms).
    static let targetDelay: Int64 = 60_000
    /// What a packet waits for its acknowledgement at least, and before anything is known (BEP 29 "timeouts").
    static let minimumTimeout: Int64 = 500_000
    static let initialTimeout: Int64 = 1_000_000
    /// Packets acknowledged past one that is missing, after which it is lost (BEP 29 "packet loss").
    static let duplicateLimit = 3
    /// One base delay is kept for each of so many minutes (RFC 6817 §2.4.2 BASE_HISTORY).
    static let baseHistoryMinutes = 10
    /// The smallest of so many samples is the current delay (RFC 6817 §2.4.2 CURRENT_FILTER).
    static let currentDelaySamples = 4

    /// Bytes of UDP payload that every path carries: 576 bytes of IPv4 (RFC 791), 1280 of IPv6 (RFC 8200 §5).
    static func smallestDatagram(isV4: Bool) -> Int { isV4 ? 576 - 28 : 1280 - 48 }

    /// Bytes of UDP payload in an Ethernet frame. No program is sure to take more than that: some read datagrams into 1,500
    /// bytes and hand on what fitted, so larger ones are for peers that said they take them.
    static func ethernetDatagram(isV4: Bool) -> Int { isV4 ? 1500 - 28 : 1500 - 48 }
}

/// The type of a packet (BEP 29 "type").
public enum UTPPacketType: UInt8, Sendable {
    case data = 0
    case fin = 1
    case state = 2
    case reset = 3
    case syn = 4
}

/// The extensions that we know (BEP 29 "extension"). All others are skipped.
enum UTPExtension {
    static let selectiveAck: UInt8 = 1
    /// Two bytes of padding and two bytes of reason, as libtorrent sends them.
    static let closeReason: UInt8 = 3
}

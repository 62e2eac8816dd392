// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

/// One stream on which a site is spoken about: its session, and who waits for what it brings.
///
/// Each payload stands behind its length in four bytes; the handshakes before it, which say only which site and at which
/// port, are left away.
final class SiteLink {
    let stream: StreamEnd
    /// Dialled by this side, so that the other listens at the stream's end.
    let isOutgoing: Bool
    var session: SiteExchangeSession
    var conclusion = SiteSyncConclusion()
    var waiting: [(SiteSyncOutcome) -> Void] = []
    var isOpen = true
    /// Which of the planned wakes counts, and whether it is still to come.
    var wakeNumber = 0
    var hasWake = false
    /// What its session followed when the connection began.
    let first: SiteFeed?
    /// Directory nodes asked for, by command.
    var nextCommand: UInt64 = 0
    private var buffer: [UInt8] = []

    init(_ stream: StreamEnd, isOutgoing: Bool, _ session: consuming SiteExchangeSession, first: SiteFeed?) {
        self.stream = stream
        self.first = first
        self.isOutgoing = isOutgoing
        self.session = session
    }

    func write(_ payload: [UInt8]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + 4)
        bytes.append(bigEndian: UInt32(payload.count))
        bytes += payload
        stream.write(bytes)
    }

    /// The payloads that are complete with these bytes.
    func receive(_ bytes: [UInt8]) -> [[UInt8]] {
        buffer += bytes
        var payloads: [[UInt8]] = []
        while buffer.count >= 4 {
            let length = Int(buffer.prefix(4).bigEndian)
            guard buffer.count >= 4 + length else { break }
            payloads.append(Array(buffer[4..<4 + length]))
            buffer.removeFirst(4 + length)
        }
        return payloads
    }
}

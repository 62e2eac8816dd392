// SPDX-License-Identifier: Apache-2.0

/// A token bucket: so many bytes a second, shared by all who hold it. A machine without a clock; confined to the event loop of
/// those who use it.
///
/// Whoever finds it not empty takes what it needs, and others wait until the debt is paid: so a limit below one block a second
/// holds too, and on the long run nobody gets more than the rate. Costs nothing while there is no limit.
public final class RateLimit {
    /// A pause fills the bucket with no more than this part of a second.
    static let burst = Duration.milliseconds(250)
    /// Rates below this would make a block take minutes.
    public static let least = 1024

    /// Bytes a second; nil for no limit. Values below ``least`` count as that.
    public var bytesPerSecond: Int? {
        didSet { tokens = min(tokens, capacity) }
    }
    private var tokens = 0
    private var filledAt: Duration?

    /// Nil for no limit; it may be set and changed while it is in use.
    public init(bytesPerSecond: Int? = nil) {
        self.bytesPerSecond = bytesPerSecond
    }

    private var rate: Int? { bytesPerSecond.map { max(Self.least, $0) } }
    private var capacity: Int { max(TorrentSpecification.blockLength, (rate ?? 0) / 4) }

    /// Whether something may be taken now.
    func isOpen(now: Duration) -> Bool {
        guard let rate else { return true }
        fill(rate, now)
        return tokens > 0
    }

    func take(_ bytes: Int) { if bytesPerSecond != nil { tokens -= bytes } }

    /// When it is open again.
    func opens(now: Duration) -> Duration {
        guard let rate, tokens <= 0 else { return now }
        // Not for each byte: a wake-up is worth a hundredth of a second of bytes.
        return now + max(.milliseconds(10), .microseconds((1 - tokens) * 1_000_000 / rate + 1))
    }

    private func fill(_ rate: Int, _ now: Duration) {
        guard let since = filledAt else {
            filledAt = now
            tokens = capacity
            return
        }
        let elapsed = min(now - since, Self.burst * 4 + .seconds(max(0, -tokens) / rate))
        let microseconds =
            Int(elapsed.components.seconds) * 1_000_000
            + Int(elapsed.components.attoseconds / 1_000_000_000_000)
        let earned = microseconds * rate / 1_000_000
        guard earned > 0 else { return }
        tokens = min(capacity, tokens + earned)
        filledAt = now
    }
}

/// The limits that hold for one session, each possibly shared with others: its own, its network's, everybody's.
public struct SessionLimits {
    /// All of these hold for what is received.
    public var download: [RateLimit]
    /// All of these hold for what is sent.
    public var upload: [RateLimit]

    /// No limit holds, unless some are given.
    public init(download: [RateLimit] = [], upload: [RateLimit] = []) {
        self.download = download
        self.upload = upload
    }
}

extension [RateLimit] {
    /// Takes `bytes` of all, if all are open.
    ///
    /// - Returns: nil where it did, otherwise when to try again.
    func take(_ bytes: Int, now: Duration) -> Duration? {
        guard !isEmpty else { return nil }
        var opens: Duration?
        for limit in self where !limit.isOpen(now: now) { opens = Swift.max(opens ?? now, limit.opens(now: now)) }
        if opens == nil { for limit in self { limit.take(bytes) } }
        return opens
    }
}

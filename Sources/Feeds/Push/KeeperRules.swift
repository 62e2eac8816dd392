// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a keeper takes in unasked, and how much at a time: a push is a write to a stranger's disk.
///
/// Memory: at most ``maximumAtATime`` entries.
public struct KeeperRules: Sendable {
    /// Sites that are being taken in at the same time.
    public static let maximumAtATime = 4
    /// No single push gets more than this part of what is kept for others.
    public static let shareOfQuota: Int64 = 4

    private struct Guest: Hashable {
        var site: Digest256
        var from: IPAddress
        var bytes: Int64
    }

    private var guests: [Guest] = []

    /// No push is under way.
    public init() {}

    /// Judges an offer; one that is accepted counts until ``ended(_:from:)``.
    ///
    /// `used`, `quota`: bytes that are kept for others, and that may be.
    /// - Returns: nil where it is accepted.
    public mutating func refusal(
        of offer: PushOffer,
        from address: IPAddress,
        used: Int64,
        quota: Int64
    ) -> PushRefusal? {
        guard guests.count < Self.maximumAtATime,
            !guests.contains(where: { $0.site == offer.site || $0.from == address })
        else { return .busy }
        // What is on its way has its room already. What is kept is never evicted for something nobody here asked for.
        let taken = guests.reduce(used) { $0 + $1.bytes }
        guard offer.bytes <= quota / Self.shareOfQuota, offer.bytes <= quota - taken else { return .noRoom }
        guests.append(Guest(site: offer.site, from: address, bytes: offer.bytes))
        return nil
    }

    /// The push was stored, given up or refused: its place is free again.
    public mutating func ended(_ offer: PushOffer, from address: IPAddress) {
        guests.removeAll { $0.site == offer.site && $0.from == address }
    }
}

// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Wire

/// A web seed, to be shown.
public struct WebSeedStatus: Equatable, Sendable {
    /// Which one: as it was named.
    public var url: ServiceURL
    /// Bytes of the torrent that it sent.
    public var received: Int64
    /// It is left in peace for a while.
    public var isWaiting: Bool
    /// Why it is of no use.
    public var retirement: WebSeed.Retirement?
}

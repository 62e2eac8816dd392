// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Wire

/// A web seed and where it may lead.
public struct WebSeedAddress: Hashable, Sendable {
    /// As the torrent or the user names it.
    public var url: ServiceURL
    /// How it is asked: BEP 19's or BEP 17's way.
    public var kind: WebSeedKind
    /// Where it may lead, by who named it.
    public var policy: AddressPolicy

    /// Nothing is resolved or judged here.
    public init(url: ServiceURL, kind: WebSeedKind, policy: AddressPolicy) {
        self.url = url
        self.kind = kind
        self.policy = policy
    }
}

// SPDX-License-Identifier: Apache-2.0
public import BitTorrent
public import Wire

/// A web seed and where it may lead.
public struct WebSeedAddress: Hashable, Sendable {
    public var url: ServiceURL
    public var kind: WebSeedKind
    public var policy: AddressPolicy

    public init(url: ServiceURL, kind: WebSeedKind, policy: AddressPolicy) {
        self.url = url
        self.kind = kind
        self.policy = policy
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Where a peer's address comes from: how far it is trusted, and what is told of it to others.
public enum PeerSource: String, Hashable, Sendable, CaseIterable {
    /// Given by whoever runs this program: tried for ever, whatever its network.
    case user
    /// BEP 5.
    case dht
    /// BEP 11: a peer said so. Believed least.
    case pex
    /// BEP 3, BEP 15.
    case tracker
    /// BEP 14: the local network.
    case lsd
    /// Known from an earlier run.
    case resume
    /// It dialled us.
    case incoming
    /// BEP 55: a peer asked us to dial it at this moment.
    case holepunch
}

extension PeerSource {
    /// Who is believed before whom.
    var trust: Int {
        switch self {
        case .user: 4
        case .tracker: 3
        case .dht, .lsd, .resume, .incoming: 2
        case .holepunch: 1
        case .pex: 0
        }
    }

    /// Private torrents have peers from trackers and the user alone (BEP 27).
    var isForPrivateTorrents: Bool { self == .user || self == .tracker || self == .incoming || self == .resume }
}

// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The names of a torrent: one for each version of the protocol that its metadata serves.
public struct InfoHashes: Hashable, Sendable {
    /// SHA-1 of the info dictionary (BEP 3).
    public var v1: Digest160?
    /// SHA-256 of the info dictionary (BEP 52).
    public var v2: Digest256?

    /// Either or both; of a magnet and of metadata at least one.
    public init(v1: Digest160? = nil, v2: Digest256? = nil) {
        self.v1 = v1
        self.v2 = v2
    }

    /// Names nothing.
    public var isEmpty: Bool { v1 == nil && v2 == nil }

    /// What stands for the torrent in handshakes, trackers and the DHT: v1 first, then v2 cut to 20 bytes.
    public var short: [Digest160] { [v1, v2?.truncated].compactMap(\.self) }

    /// Whether a handshake's 20 bytes name this torrent, by either version.
    public func matches(_ hash: Digest160) -> Bool { v1 == hash || v2?.truncated == hash }
}

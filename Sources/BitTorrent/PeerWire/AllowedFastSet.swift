// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// The pieces that a peer may have while it is choked, drawn from its address so that all who serve it draw the same
/// (BEP 6 "Allowed Fast Set Generation").
public enum AllowedFastSet {
    /// How many pieces we allow: what BEP 6 gives as its own choice.
    public static let size = 10

    /// The set for a peer, in the order of the algorithm: a longer set begins with a shorter one.
    ///
    /// `infoHash`: of the connection's handshake. Empty for IPv6, for which BEP 6 has no rule; all pieces where there are no
    /// more than `size`.
    public static func pieces(
        for address: IPAddress,
        infoHash: Digest160,
        pieceCount: Int,
        size: Int = size
    ) -> [Int] {
        guard case .v4(let value) = address, pieceCount > 0, size > 0 else { return [] }
        guard pieceCount > size else { return Array(0..<pieceCount) }
        var seed: [UInt8] = []
        seed.append(bigEndian: value & 0xFFFF_FF00)
        seed.append(infoHash)
        var pieces: [Int] = []
        while pieces.count < size {
            seed = Hash.sha1(seed).bytes
            for start in stride(from: 0, to: seed.count, by: 4) where pieces.count < size {
                let number = seed[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                let piece = Int(number) % pieceCount
                if !pieces.contains(piece) { pieces.append(piece) }
            }
        }
        return pieces
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// Where in the DHT a site's holders and pointers are found (`docs/protocols/feeds.md` §6).
public enum SiteLocations {
    /// Where holders announce: the first 20 bytes of the site id. Also what stands for the infohash when they are
    /// dialled, wherever they were found.
    public static func holders(of site: Digest256) -> Digest160 { site.truncated }

    /// Where those announce who hold the recovery that answers to `commitment`, the SHA-256 of the recovery key.
    ///
    /// A reader knows the commitment from the root record long before there is anything to find; a thief cannot put
    /// anything there that passes for a recovery.
    public static func recovery(_ commitment: Digest256) -> Digest160 { commitment.truncated }

    /// Whether a pointer's number is so high that only a thief or an error explains it: look for a recovery.
    public static func isSuspicious(sequence: Int64) -> Bool { sequence > 1 << 62 }

    /// The targets of the pointers to try, the most telling first: under the present writer, then under the site key,
    /// which stock readers know.
    public static func pointers(of state: FeedState) -> [Digest160] {
        let writer = SitePointer.target(of: state.writer)
        let site = SitePointer.target(of: state.siteKey)
        return writer == site ? [site] : [writer, site]
    }

    /// The number for the next pointer item under one key (BEP 44); nil when a thief has used up all numbers.
    ///
    /// - Parameters:
    ///   - size: of the signed head that is pointed to.
    ///   - latest: the highest number seen under that key, with its value.
    ///   - value: what will be put.
    /// - Returns: the number seen already, where its value is the same.
    public static func nextSequence(size: Int, latest: (seq: Int64, value: [UInt8])?, value: [UInt8]) -> Int64? {
        guard let latest else { return Int64(size) }
        if latest.value == value { return latest.seq }
        return latest.seq == .max ? nil : max(Int64(size), latest.seq + 1)
    }
}

// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Wire

/// One thing that a peer keeps alive for a site.
public enum SiteDuty: Hashable, Sendable {
    /// Sign the pointer under this key, which this peer has, and put it.
    case put(PublicKey)
    /// Put the signed pointer under this key again exactly as it was received.
    case reput(PublicKey)
    /// Announce this peer under these 20 bytes: a site, a recovery or a torrent.
    case announce(Digest160)
}

/// What a reader gives back.
public enum ServePolicy: String, Sendable, CaseIterable {
    /// Only what this node published.
    case own
    /// What is being looked at, to peers that come by themselves.
    case whileOpen = "while-open"
    /// What was read, within a quota; announced and kept alive.
    case quota
}

/// Which duties a peer has for a site it knows.
public enum SiteDuties {
    /// What this peer keeps saying; empty for a reader who gives nothing back.
    ///
    /// - Parameters:
    ///   - feed: as it is known now.
    ///   - keys: which of the site's keys this peer can sign with; none for a reader.
    ///   - serve: what this node's user agreed to.
    ///   - isPinned: whether the user wants the site kept.
    ///   - held: numbers of releases whose files are here completely.
    /// - Returns: each to be repeated about hourly.
    public static func duties(
        of feed: SiteFeed,
        keys: Set<PublicKey>,
        serve: ServePolicy,
        isPinned: Bool = false,
        held: [Int64]
    ) -> Set<SiteDuty> {
        let isOwner = keys.contains(feed.state.writer)
        guard isOwner || serve == .quota || (isPinned && serve != .own) else { return [] }
        var duties: Set<SiteDuty> = [.announce(SiteLocations.holders(of: feed.site))]
        for change in feed.state.changes {
            guard case .recover(let recovery) = change.entry else { continue }
            duties.insert(.announce(SiteLocations.recovery(recovery.revealed.identifier)))
        }
        for key in Set([feed.state.writer, feed.state.siteKey]) {
            // Under a key that was lost to a thief only the owner's own pointer is worth keeping alive.
            if keys.contains(key) {
                duties.insert(.put(key))
            } else if key == feed.state.writer {
                duties.insert(.reput(key))
            }
        }
        for seq in held {
            guard let release = feed.state.release(seq: seq)?.release else { continue }
            if let v1 = release.v1 { duties.insert(.announce(v1)) }
            duties.insert(.announce(release.v2.truncated))
        }
        return duties
    }
}

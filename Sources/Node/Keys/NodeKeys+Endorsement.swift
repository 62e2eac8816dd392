// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
internal import Wire

/// An identity that stands behind a site.
struct Endorser: Equatable, Sendable {
    /// SHA-256 of its first key.
    let id: Digest256
    /// What it is called in this home; nil for somebody else's.
    let name: String?
}

extension NodeKeys {
    /// Ties an own site and an identity of this home to each other: `bytes` of the answer is what to store.
    ///
    /// `identity` is its name here or its id in hex; `writer` as in ``siteKeys(for:writer:)``.
    func endorse(site: Digest256, by identity: String, writer: PublicKey? = nil) throws(NodeError) -> Endorsement {
        let siteKeys = try siteKeys(for: site, writer: writer)
        return try changing { () throws(NodeError) in
            let known = try knownIdentity(identity)
            let endorsement = Endorsement(
                statements: known.statements,
                keys: try identityKeys(of: known),
                site: site,
                siteKey: siteKeys.signing,
                at: UInt64(max(0, WallClock.seconds))
            )
            guard let endorsement else {
                throw NodeError(
                    .cannotCreate,
                    "the identity '\(known.name)' has been changed too often to endorse a site",
                    remedy: "Recover it with its kit, which begins its history anew."
                )
            }
            return endorsement
        }
    }

    /// The identities that stand behind a site, each once, in the order of their endorsements. One that does not hold
    /// is left out: by another key than the one that wrote the log then, or contradicting what is known here.
    func endorsers(of state: FeedState) -> [Endorser] {
        guard !state.endorsements.isEmpty else { return [] }
        let known = (try? knownIdentities()) ?? []
        var endorsers: [Endorser] = []
        for claim in state.endorsements {
            guard let endorsement = try? Endorsement(claim.proof), endorsement.site == state.site,
                endorsement.siteKey == claim.writer
            else { continue }
            let id = endorsement.identity.id
            let here = known.first { $0.identity.id == id }
            guard here.map({ endorsement.agrees(with: $0.statements) }) ?? true else { continue }
            if !endorsers.contains(where: { $0.id == id }) { endorsers.append(Endorser(id: id, name: here?.name)) }
        }
        return endorsers
    }
}

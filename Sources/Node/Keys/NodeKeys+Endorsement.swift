// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

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

    /// The name here of the identity that a stored endorsement of `site` shows, else its id in hex; nil where it does
    /// not hold. `writers` are the keys that write or wrote the site's log.
    func endorser(of site: Digest256, by endorsement: [UInt8], writers: [PublicKey]) -> String? {
        guard let endorsement = try? Endorsement(endorsement), endorsement.site == site,
            writers.contains(endorsement.siteKey)
        else { return nil }
        let here = (try? knownIdentities())?.first { $0.identity.id == endorsement.identity.id }
        guard let here else { return endorsement.identity.id.description }
        return endorsement.agrees(with: here.statements) ? here.name : nil
    }
}

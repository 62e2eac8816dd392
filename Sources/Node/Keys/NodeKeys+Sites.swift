// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Storage
internal import Wire

/// Keys of own sites. The order that a crash cannot break:
///
/// 1. ``createSite()``, ``prepareRotation(of:writer:)`` or ``prepareRecovery(of:kit:commitment:writer:)``: keys and kit
///    are durable.
/// 2. The entry is signed and the log with it is durable.
/// 3. ``siteKeys(for:writer:)`` with the log's writer: staged keys that the log names take their place, and only then
///    the old ones go.
extension NodeKeys {
    private static let sitePrefix = "site-"

    static func name(of site: Digest256) -> String { sitePrefix + site.description }

    /// Whether the keys of `site` are here. Needs no passphrase.
    func hasSite(_ site: Digest256) -> Bool { has(Self.name(of: site)) }

    /// Whether the file of its keys is here, sound or not.
    func hasSiteFile(_ site: Digest256) -> Bool { store.hasFile(Self.name(of: site)) }

    /// The sites whose keys are here, ascending. Needs no passphrase.
    func ownSites() throws(NodeError) -> [Digest256] {
        try names(startingWith: Self.sitePrefix).compactMap { Digest256(hex: $0.dropFirst(Self.sitePrefix.count)) }
    }

    /// Draws the keys of a new site, and writes its recovery kit, which is the only place that has the recovery key.
    ///
    /// `beginning` is called before anything of it is on disk.
    func createSite(
        beginning: (Digest256) throws(NodeError) -> Void = { _ in }
    ) throws(NodeError) -> NewSite {
        try changing { () throws(NodeError) in
            let pair = SiteKeyFile.Pair(signing: Self.newSeed(), next: Self.newSeed())
            let keys = pair.keys(of: pair.writer.identifier, origin: pair.signing)
            try beginning(keys.site)
            // The key first: without a passphrase it fails here, and no kit without a site is left behind.
            try save(SiteKeyFile(origin: pair.signing, current: pair), of: keys.site)
            do throws(NodeError) {
                let kit = RecoveryKit(.site, subject: keys.site, seed: Self.newSeed())
                let path = try writeKit(kit, to: kitName(keys.site, nil))
                return NewSite(keys: keys, recoveryCommitment: kit.commitment, kitPath: path)
            } catch {
                try? store.remove(Self.name(of: keys.site))
                throw error
            }
        }
    }

    /// Takes back ``createSite()`` for a site that did not come to be.
    func discard(_ site: Digest256) throws(NodeError) {
        try changing { () throws(NodeError) in
            do throws(KeyStoreError) { try store.remove(Self.name(of: site)) } catch {
                throw NodeError(error)
            }
            let kit = home.recovery + "/" + kitName(site, nil)
            do throws(StorageError) { try home.remove(kit) } catch { throw NodeError(error) }
        }
    }

    /// The keys of an own site. `.notPermitted` where this home has none, or another key writes the site.
    ///
    /// `writer` is who writes the site's log now, where that is known: keys staged for a change that the log has by
    /// now take their place first.
    func siteKeys(for site: Digest256, writer: PublicKey? = nil) throws(NodeError) -> SiteKeys {
        try changing { () throws(NodeError) in
            let file = try settled(site, writer: writer)
            guard let current = file.current else { throw Self.notOurs(site) }
            guard writer == nil || current.writer == writer else { throw Self.anotherWriter(site) }
            return current.keys(of: site, origin: file.origin)
        }
    }

    /// The private half of a key of an own site: one that writes its log, or its site key. Nil where none is here or
    /// it cannot be opened.
    func siteSigner(for key: PublicKey) -> SigningKey? {
        // Nearly always the site key itself, which names the file.
        let sites = hasSite(key.identifier) ? [key.identifier] : (try? ownSites()) ?? []
        for site in sites {
            guard let keys = try? siteKeys(for: site) else { continue }
            if let found = ([keys.signing] + keys.pointers).first(where: { $0.publicKey == key }) { return found }
        }
        return nil
    }

    /// Stages a new next key. Asked again after a crash, it gives the same keys: the entry comes out the same.
    func prepareRotation(of site: Digest256, writer: PublicKey) throws(NodeError) -> SiteRotation {
        try changing { () throws(NodeError) in
            var file = try settled(site, writer: writer)
            guard let current = file.current else { throw Self.notOurs(site) }
            guard current.writer == writer else { throw Self.anotherWriter(site) }
            if file.staged?.recovery != nil || file.staged == nil {
                let pair = SiteKeyFile.Pair(signing: current.next, next: Self.newSeed())
                file.staged = .init(pair: pair, recovery: nil, replaces: nil)
                try save(file, of: site)
            }
            guard let staged = file.staged else { throw Self.notOurs(site) }
            return SiteRotation(
                signer: SigningKey(current.next),
                successor: staged.pair.keys(of: site, origin: file.origin)
            )
        }
    }

    /// Stages new keys for a site by its kit, whether or not this home had its keys, and writes the new kit.
    ///
    /// `kit` is the text as a person gives it, `commitment` the hash of the recovery key that the log names now,
    /// `writer` who writes the log now.
    func prepareRecovery(
        of site: Digest256,
        kit: String,
        commitment: Digest256,
        writer: PublicKey
    ) throws(NodeError) -> SiteRecovery {
        let old = try kitInForce(kit, of: site, commitment)
        return try changing { () throws(NodeError) in
            var file = try settled(site, writer: writer, orEmpty: true)
            if let staged = file.staged, staged.replaces == commitment, let new = staged.recovery,
                case let path = home.recovery + "/" + kitName(site, new), exists(path)
            {
                return SiteRecovery(
                    signer: SigningKey(old.seed),
                    successor: staged.pair.keys(of: site, origin: file.origin),
                    recoveryCommitment: new,
                    kitPath: path
                )
            }
            let new = RecoveryKit(.site, subject: site, seed: Self.newSeed())
            let pair = SiteKeyFile.Pair(signing: Self.newSeed(), next: Self.newSeed())
            file.staged = .init(pair: pair, recovery: new.commitment, replaces: commitment)
            // The kit's file has a name of its own, so the kit in force stays until the log names this one.
            let path = try writeKit(new, to: kitName(site, new.commitment))
            try save(file, of: site)
            return SiteRecovery(
                signer: SigningKey(old.seed),
                successor: pair.keys(of: site, origin: file.origin),
                recoveryCommitment: new.commitment,
                kitPath: path
            )
        }
    }

    /// The kit that a text holds, if it is that of the site and not spent.
    private func kitInForce(
        _ text: String,
        of site: Digest256,
        _ commitment: Digest256
    ) throws(NodeError) -> RecoveryKit {
        let kit = try RecoveryKit(reading: text, of: .site)
        guard kit.subject == site else {
            throw NodeError(
                .badData,
                "the kit is of another site: betanet://\(kit.subject)",
                remedy: "Give the kit of betanet://\(site)."
            )
        }
        guard kit.commitment == commitment else {
            throw NodeError(
                .notPermitted,
                "the kit has been used or replaced: the site's history names another recovery key",
                remedy: "Give the kit that was written when the site was last recovered."
            )
        }
        return kit
    }

    // MARK: Files

    /// The file as it should be for a log that `writer` writes.
    private func settled(
        _ site: Digest256,
        writer: PublicKey?,
        orEmpty: Bool = false
    ) throws(NodeError) -> SiteKeyFile {
        let name = Self.name(of: site)
        guard let content = try load(name) else {
            if orEmpty { return SiteKeyFile(origin: nil, current: nil) }
            throw Self.notOurs(site)
        }
        guard var file = SiteKeyFile(encoded: content) else { throw Self.damaged(name) }
        if let staged = file.staged, let writer, staged.pair.writer == writer {
            file = SiteKeyFile(origin: file.origin, current: staged.pair)
            try save(file, of: site)
        }
        return file
    }

    private func save(_ file: SiteKeyFile, of site: Digest256) throws(NodeError) {
        try save(file.encoded, as: Self.name(of: site))
    }

    /// The first kit has the site's name; later ones add what tells them apart.
    private func kitName(_ site: Digest256, _ commitment: Digest256?) -> String {
        "\(site)" + (commitment.map { "." + $0.description.prefix(16) } ?? "") + ".kit"
    }

    private static func notOurs(_ site: Digest256) -> NodeError {
        NodeError(
            .notPermitted,
            "this home does not have the keys of betanet://\(site)",
            remedy: "Do this in the home that publishes the site, or take it over with its recovery kit."
        )
    }

    private static func anotherWriter(_ site: Digest256) -> NodeError {
        NodeError(
            .notPermitted,
            "the keys of betanet://\(site) were changed elsewhere: those here no longer write it",
            remedy: "If that was not you, take the site back with `roost site recover` and its recovery kit."
        )
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Storage
internal import Wire

extension NodeKeys {
    /// What the home has written down; nothing where it has not yet. Nil where that is damaged.
    func knownKeys() throws(NodeError) -> KnownKeys? {
        do throws(StorageError) {
            return KnownKeys(encoded: try home.read(home.knownKeys, limit: KnownKeys.maximumByteCount))
        } catch .notFound {
            return KnownKeys()
        } catch .tooLarge {
            return nil
        } catch {
            throw NodeError(error)
        }
    }

    /// Writes down what there is now. What was there and is no longer stays written down.
    ///
    /// One that is damaged is left for the doctor, unless `replacing`.
    func remember(replacing: Bool = false) throws(NodeError) {
        guard let before = try knownKeys() ?? (replacing ? KnownKeys() : nil) else { return }
        var known = before
        if known.device == nil, hasDevice { known.device = try peerID().digest }
        for identity in try knownIdentities() { known.identities[identity.identity.id] = identity.name }
        try save(known, since: before)
    }

    /// The device's key is drawn anew: where there was another one, that it is lost is not forgotten.
    func rememberLostDevice() throws(NodeError) {
        guard let before = try knownKeys(), before.device == nil else { return }
        var known = before
        known.device = KnownKeys.unknownDevice
        try save(known, since: before)
    }

    private func save(_ known: KnownKeys, since before: KnownKeys) throws(NodeError) {
        if known == before, exists(home.knownKeys) { return }
        do throws(StorageError) { try home.write(known.encoded, to: home.knownKeys) } catch { throw NodeError(error) }
    }

    // MARK: The public half of an identity

    /// What the key file of an identity has of its public half; nil where it was written before it had.
    func copyOfPublic(_ id: Digest256) throws(NodeError) -> KnownIdentity? {
        let name = Self.name(ofIdentity: id)
        guard let content = try load(name), let file = IdentityKeyFile(encoded: content),
            let known = file.known.flatMap({ KnownIdentity(encoded: $0) }), known.identity.id == id
        else { return nil }
        return known
    }

    /// Sees to it that the key file of each identity has its public half as it is now. Opens what needs no passphrase.
    func copyPublicHalves(evenWithPassphrase: Bool = false) throws(NodeError) {
        try changing { () throws(NodeError) in
            for known in try knownIdentities() {
                let name = Self.name(ofIdentity: known.identity.id)
                let protection = try? store.protection(of: name)
                guard protection == .localKey || (evenWithPassphrase && protection == .passphrase) else { continue }
                _ = try? identityKeys(of: known)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Storage
internal import Wire

/// Identities: listing needs no passphrase, everything that signs does.
extension NodeKeys {
    private static let identityPrefix = "identity-"

    static func name(ofIdentity id: Digest256) -> String { identityPrefix + id.description }

    func publicPath(_ id: Digest256) -> String { "\(home.keys)/\(Self.name(ofIdentity: id)).public" }

    /// The identities of this home, the default first.
    public func identities() throws(NodeError) -> [IdentitySummary] {
        var summaries: [IdentitySummary] = []
        for known in try knownIdentities() { summaries.append(try summary(known)) }
        return summaries
    }

    /// One of them, by its name here or its id in hex; the default where nil.
    public func identity(_ name: String?) throws(NodeError) -> IdentitySummary { try summary(try knownIdentity(name)) }

    /// Makes an identity that admits this device.
    ///
    /// Its recovery kit is in the answer and, where `kitPath` names a file that is not there yet, in that file before
    /// the identity exists; nowhere else.
    public func newIdentity(name: String, kitPath: String? = nil) throws(NodeError) -> NewIdentity {
        try KnownIdentity.checkName(name)
        let device = try device()
        return try changing { () throws(NodeError) in
            try checkUnused(name)
            guard var keys = IdentityKeys(random: Self.randomBytes(96)), let recovery = keys.recovery else {
                preconditionFailure("96 bytes make the keys of an identity")
            }
            let id = keys.rootKey.publicKey.identifier
            let own = IdentityStatement.Device(key: device.deviceKey(identity: id).publicKey, name: "device 1")
            let now = WallClock.seconds
            guard let statement = keys.create(devices: [own], at: UInt64(max(0, now))),
                let known = try? KnownIdentity(name: name, added: now, statements: [statement.bytes])
            else { preconditionFailure("new keys make an identity") }
            let kit = RecoveryKit(.identity, subject: id, seed: recovery)
            if let kitPath { try writeKit(kit, toNew: kitPath) }
            keys.recovery = nil
            // Keys before the statement that needs them: alone they are no identity yet.
            try save(IdentityKeyFile(keys: keys, known: known), of: id)
            try save(known)
            try? remember()
            return NewIdentity(identity: try summary(known), recoveryKit: kit.text)
        }
    }

    // MARK: Finding

    /// By its name here, or its id in hex; the default where nil.
    func knownIdentity(_ name: String?) throws(NodeError) -> KnownIdentity {
        let all = try knownIdentities()
        let found = name.map { name in
            all.first { $0.name == name || $0.identity.id.description == name.lowercased() }
        }
        if let known = found ?? all.first { return known }
        throw NodeError(
            .noInput,
            name.map { "there is no identity '\($0)' in this home" } ?? "there is no identity in this home",
            remedy: all.isEmpty ? "Make one with `roost id new NAME`." : "`roost id list` shows those that are here."
        )
    }

    func knownIdentities() throws(NodeError) -> [KnownIdentity] {
        var found: [KnownIdentity] = []
        // One without a public half is no identity yet.
        for id in try identityIDs() { if let known = try knownIdentity(id) { found.append(known) } }
        return found.sorted { ($0.added, $0.name) < ($1.added, $1.name) }
    }

    /// Those of which any file is here.
    func identityIDs() throws(NodeError) -> Set<Digest256> {
        let publics: [String]
        do throws(KeyStoreError) {
            publics = try store.names(endingWith: ".public")
        } catch .storage(.notFound) {
            publics = []
        } catch {
            throw NodeError(error)
        }
        let names = try names(startingWith: Self.identityPrefix) + publics
        return Set(names.compactMap { Digest256(hex: $0.dropFirst(Self.identityPrefix.count)) })
    }

    /// What is public of one; nil where that is not here.
    func knownIdentity(_ id: Digest256) throws(NodeError) -> KnownIdentity? {
        let encoded: [UInt8]
        do throws(StorageError) {
            encoded = try home.read(publicPath(id), limit: KnownIdentity.maximumByteCount)
        } catch .notFound {
            return nil
        } catch {
            throw NodeError(error)
        }
        guard let known = KnownIdentity(encoded: encoded), known.identity.id == id else {
            throw NodeError(.damaged(path: publicPath(id)) as StorageError)
        }
        return known
    }

    func checkUnused(_ name: String) throws(NodeError) {
        guard try knownIdentities().contains(where: { $0.name == name }) else { return }
        throw NodeError(
            .cannotCreate,
            "there is an identity '\(name)' in this home already",
            remedy: "Choose another name; `roost id list` shows those that are here."
        )
    }

    func summary(_ known: KnownIdentity) throws(NodeError) -> IdentitySummary {
        let protection: SealedKeyFile.Protection?
        do throws(KeyStoreError) {
            protection = try store.protection(of: Self.name(ofIdentity: known.identity.id))
        } catch .noSuchKey {
            protection = nil
        } catch {
            throw NodeError(error)
        }
        return IdentitySummary(
            name: known.name,
            id: known.identity.id.description,
            key: known.identity.root.description,
            protection: protection.map { $0 == .passphrase ? "passphrase" : "file mode only" } ?? "key missing",
            devices: known.identity.devices.count
        )
    }

    // MARK: Files

    /// The keys in force by the identity's statements.
    func identityKeys(of known: KnownIdentity) throws(NodeError) -> IdentityKeys {
        let name = Self.name(ofIdentity: known.identity.id)
        guard let content = try load(name) else {
            throw NodeError(
                .badData,
                "the key of the identity '\(known.name)', keys/\(name).key, is missing",
                remedy: Self.remedy(forMissing: name)
            )
        }
        guard let file = IdentityKeyFile(encoded: content) else { throw Self.damaged(name) }
        var settled = IdentityKeyFile(keys: file.keys, known: known)
        if let staged = file.staged {
            if known.statements.contains(where: { Hash.sha256($0) == staged.statement }) {
                settled.keys = staged.keys
            } else {
                settled.staged = staged
            }
        }
        guard settled.keys.rootKey.publicKey == known.identity.root else { throw Self.damaged(name) }
        if settled.encoded != file.encoded { try save(settled, of: known.identity.id) }
        return settled.keys
    }

    func save(_ file: IdentityKeyFile, of id: Digest256) throws(NodeError) {
        try save(file.encoded, as: Self.name(ofIdentity: id))
    }

    func save(_ known: KnownIdentity) throws(NodeError) {
        let encoded = known.encoded
        guard encoded.count <= KnownIdentity.maximumByteCount else {
            throw NodeError(
                .cannotCreate,
                "the identity '\(known.name)' has been changed too often",
                remedy: "Recover it with its kit, which begins its history anew."
            )
        }
        do throws(StorageError) {
            try home.write(encoded, to: publicPath(known.identity.id))
        } catch {
            throw NodeError(error)
        }
    }

    func writeKit(_ kit: RecoveryKit, toNew path: String) throws(NodeError) {
        guard !exists(path) else {
            throw NodeError(.cannotCreate, "\(path) is there already", remedy: "Name a file that is not there yet.")
        }
        do throws(StorageError) {
            try home.write(Array(kit.page(at: WallClock.seconds).utf8), to: path)
        } catch {
            throw NodeError(.cannotCreate, NodeError(error).message, remedy: "Name another file for the recovery kit.")
        }
    }
}

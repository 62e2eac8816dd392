// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The secret side of an identity, as it is sealed into a key file.
public struct IdentityKeys: Sendable {
    /// Seed of the key that signs now.
    public private(set) var root: SecretKey
    /// Seed of the key that may take its place; only its hash is public.
    public private(set) var next: SecretKey
    /// Nil once the recovery kit is the only place that has it.
    public var recovery: SecretKey?

    /// From 96 random bytes; nil for any other count.
    public init?(random: [UInt8]) {
        guard random.count == 96 else { return nil }
        root = SecretKey(exactly: Array(random[..<32]))
        next = SecretKey(exactly: Array(random[32..<64]))
        recovery = SecretKey(exactly: Array(random[64...]))
    }

    /// The key that signs for the identity now.
    public var rootKey: SigningKey { SigningKey(root) }

    /// The statement that begins the identity. Needs the recovery key.
    public func create(devices: [IdentityStatement.Device], at time: UInt64) -> SignedRecord? {
        guard let recovery else { return nil }
        let key = rootKey
        let statement = IdentityStatement(
            act: .create,
            identity: key.publicKey.identifier,
            epoch: 0,
            sequence: 0,
            previous: .zero,
            root: key.publicKey,
            next: SigningKey(next).publicKey.identifier,
            recovery: SigningKey(recovery).publicKey.identifier,
            devices: Self.ordered(devices)
        )
        return statement.signed(by: key, at: time)
    }

    /// A statement that sets the devices; nil when these keys are not the identity's any more.
    public func update(_ identity: Identity, devices: [IdentityStatement.Device], at time: UInt64) -> SignedRecord? {
        let key = rootKey
        guard key.publicKey == identity.root else { return nil }
        var statement = Self.successor(of: identity, act: .update)
        statement.devices = Self.ordered(devices)
        return statement.signed(by: key, at: time)
    }

    /// The next key takes over and a new one is committed to, from 32 random bytes; nil when these keys are not the
    /// identity's, or for another count.
    public func rotate(
        _ identity: Identity,
        devices: [IdentityStatement.Device],
        random: [UInt8],
        at time: UInt64
    ) -> (keys: IdentityKeys, statement: SignedRecord)? {
        let key = SigningKey(next)
        guard key.publicKey.identifier == identity.statement.next, let fresh = SecretKey(random) else { return nil }
        var keys = self
        (keys.root, keys.next) = (next, fresh)
        var statement = Self.successor(of: identity, act: .rotate)
        statement.root = key.publicKey
        statement.next = SigningKey(fresh).publicKey.identifier
        statement.devices = Self.ordered(devices)
        return (keys, statement.signed(by: key, at: time))
    }

    /// New keys for an identity whose old ones are lost or stolen, by its recovery key and 96 random bytes; nil when
    /// it is not its recovery key.
    public static func recover(
        _ identity: Identity,
        with recovery: SecretKey,
        devices: [IdentityStatement.Device],
        random: [UInt8],
        at time: UInt64
    ) -> (keys: IdentityKeys, statement: SignedRecord)? {
        let key = SigningKey(recovery)
        guard key.publicKey.identifier == identity.statement.recovery, let keys = IdentityKeys(random: random),
            let newRecovery = keys.recovery
        else { return nil }
        let statement = IdentityStatement(
            act: .recover,
            identity: identity.id,
            epoch: identity.statement.epoch + 1,
            sequence: 0,
            previous: identity.epochStart,
            root: keys.rootKey.publicKey,
            next: SigningKey(keys.next).publicKey.identifier,
            recovery: SigningKey(newRecovery).publicKey.identifier,
            devices: ordered(devices)
        )
        return (keys, statement.signed(by: key, at: time))
    }

    private static func successor(of identity: Identity, act: IdentityStatement.Act) -> IdentityStatement {
        var statement = identity.statement
        statement.act = act
        statement.sequence += 1
        statement.previous = identity.head
        return statement
    }

    private static func ordered(_ devices: [IdentityStatement.Device]) -> [IdentityStatement.Device] {
        precondition(devices.count <= IdentityStatement.maximumDevices, "too many devices")
        precondition(Set(devices.map(\.key)).count == devices.count, "a device is admitted once")
        precondition(
            devices.allSatisfy { $0.name.utf8.count <= IdentityStatement.maximumNameByteCount },
            "a device's name is too long"
        )
        return devices.sorted { $0.key < $1.key }
    }
}

/// What is sealed into a key file: a CBOR map of the seeds.
extension IdentityKeys {
    /// A CBOR map of the seeds, for ``SealedKeyFile`` only: it is not encrypted here.
    public var encoded: [UInt8] {
        let map: CBOR = [
            "root": .bytes(root.bytes), "next": .bytes(next.bytes),
            "recovery": recovery.map { .bytes($0.bytes) } ?? .null,
        ]
        return map.encoded
    }

    /// Nil unless `encoded` is what ``encoded`` writes.
    public init?(encoded: [UInt8]) {
        guard let map = try? CBOR.decode(encoded), let root = map["root"]?.bytes.flatMap({ SecretKey($0) }),
            let next = map["next"]?.bytes.flatMap({ SecretKey($0) }), let recovery = map["recovery"]
        else { return nil }
        self.root = root
        self.next = next
        self.recovery = recovery.bytes.flatMap { SecretKey($0) }
        guard self.recovery != nil || recovery.isNull else { return nil }
    }
}

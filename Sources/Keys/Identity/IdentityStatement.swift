// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a statement of an identity says: its whole state from then on, so that the newest valid one is all that a
/// reader must keep.
public struct IdentityStatement: Sendable, Equatable {
    /// What a statement does, and with it which key must have signed it (`docs/protocols/keys.md` §4).
    public enum Act: String, Sendable {
        /// The first statement, by the root key.
        case create
        /// Other devices, by the root key.
        case update
        /// The pre-committed next key takes the root key's place, and signs this.
        case rotate
        /// The recovery key, which signs this, names a new root key. It ends the epoch in which a thief may have written.
        case recover
    }

    /// A device that may act for the identity.
    public struct Device: Sendable, Equatable {
        /// Signs what the device does for the identity.
        public var key: PublicKey
        /// What the owner calls it; at most 64 bytes, seen by all who read the statement.
        public var name: String

        /// `name` must not exceed 64 bytes of UTF-8, or signing traps.
        public init(key: PublicKey, name: String) {
            self.key = key
            self.name = name
        }
    }

    /// The ``Record/type`` of every statement.
    public static let recordType = "identity"
    /// The most that one identity admits; a statement is some 6 KiB then.
    public static let maximumDevices = 64
    /// The longest name of a device, in bytes of UTF-8.
    public static let maximumNameByteCount = 64

    /// What it does to the statement before.
    public var act: Act
    /// SHA-256 of the first root key: the identity's name for ever.
    public var identity: Digest256
    /// How often the identity has been recovered.
    public var epoch: UInt64
    /// The statement's place in its epoch, from 0.
    public var sequence: UInt64
    /// The hash of the statement before; zero for the first. A recovery follows the one that began the epoch it ends.
    public var previous: Digest256
    /// The key that signs for the identity from then on.
    public var root: PublicKey
    /// SHA-256 of the key that may take the root key's place.
    public var next: Digest256
    /// SHA-256 of the key that may recover the identity.
    public var recovery: Digest256
    /// In ascending order of their keys, each key once.
    public var devices: [Device]
}

extension IdentityStatement {
    private static let bodyKeys: Set<String> = [
        "act", "id", "epoch", "seq", "prev", "root", "next", "recovery", "devices",
    ]

    /// The statement as a record, signed by `key`.
    func signed(by key: SigningKey, at time: UInt64) -> SignedRecord {
        let devices = devices.map { CBOR.array([.bytes($0.key), .text($0.name)]) }
        let body: CBORMap = [
            "act": .text(act.rawValue), "id": .bytes(identity), "epoch": .unsigned(epoch), "seq": .unsigned(sequence),
            "prev": .bytes(previous), "root": .bytes(root), "next": .bytes(next), "recovery": .bytes(recovery),
            "devices": .array(devices),
        ]
        let record = Record(
            type: Self.recordType,
            issuer: key.publicKey,
            notBefore: time,
            expires: nil,
            critical: [],
            body: body
        )
        return SignedRecord(record, by: key)
    }

    /// Reads and verifies a statement's bytes.
    static func read(
        _ bytes: [UInt8]
    ) throws(IdentityError) -> (statement: IdentityStatement, record: SignedRecord) {
        let record: SignedRecord
        do {
            record = try SignedRecord(bytes, type: recordType, understanding: bodyKeys)
        } catch {
            throw .notAStatement(error)
        }
        guard let statement = IdentityStatement(record.record.body), record.record.network.isEmpty,
            record.record.expires == nil
        else { throw .invalidStatement }
        return (statement, record)
    }

    private init?(_ body: CBORMap) {
        guard let act = body["act"]?.text.flatMap(Act.init(rawValue:)),
            let identity = body["id"]?.fixed(Digest256.self), let epoch = body["epoch"]?.unsigned,
            let sequence = body["seq"]?.unsigned, let previous = body["prev"]?.fixed(Digest256.self),
            let root = body["root"]?.fixed(PublicKey.self), let next = body["next"]?.fixed(Digest256.self),
            let recovery = body["recovery"]?.fixed(Digest256.self), let list = body["devices"]?.array,
            let devices = Self.devices(list)
        else { return nil }
        self.init(
            act: act,
            identity: identity,
            epoch: epoch,
            sequence: sequence,
            previous: previous,
            root: root,
            next: next,
            recovery: recovery,
            devices: devices
        )
    }

    private static func devices(_ list: [CBOR]) -> [Device]? {
        guard list.count <= maximumDevices else { return nil }
        var devices: [Device] = []
        for element in list {
            guard let pair = element.array, pair.count == 2, let key = pair[0].fixed(PublicKey.self),
                let name = pair[1].text, name.utf8.count <= maximumNameByteCount
            else { return nil }
            if let last = devices.last, last.key >= key { return nil }
            devices.append(Device(key: key, name: name))
        }
        return devices
    }
}

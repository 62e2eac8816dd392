// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What is publicly known of an identity: its newest valid statement.
///
/// The thief of a root key can change devices but not the key itself: only the next key, whose hash was published
/// before, replaces it, and only the recovery key ends an epoch. A recovery therefore wins over anything that a thief
/// of the other keys can write.
///
///     create ──update*──▶ rotate ──update*──▶ …      epoch 0
///        └──────────── recover ──update*──▶ …        epoch 1: 0 is closed
///
/// Memory: one statement, at most 64 devices, and the hash that began the epoch.
public struct Identity: Sendable {
    /// What holds now.
    public private(set) var statement: IdentityStatement
    /// The hash of the newest statement.
    public private(set) var head: Digest256
    /// The hash of the statement that began the epoch: a recovery follows it.
    public private(set) var epochStart: Digest256

    /// The identity's name for ever: SHA-256 of its first root key.
    public var id: Digest256 { statement.identity }
    /// The key that signs for the identity now.
    public var root: PublicKey { statement.root }
    /// The devices that may act for it now, at most 64, ascending by key.
    public var devices: [IdentityStatement.Device] { statement.devices }

    /// An identity from its first statement.
    public init(_ bytes: [UInt8]) throws(IdentityError) {
        let (statement, record) = try IdentityStatement.read(bytes)
        guard statement.act == .create, statement.epoch == 0, statement.sequence == 0, statement.previous == .zero
        else { throw .invalidStatement }
        guard record.record.issuer == statement.root, statement.identity == statement.root.identifier else {
            throw .notEntitled
        }
        self.statement = statement
        head = record.hash
        epochStart = record.hash
    }

    /// Whether `device` may act for the identity now.
    public func admits(_ device: PublicKey) -> Bool { devices.contains { $0.key == device } }

    /// Adopts a later statement, or says why not and changes nothing.
    public mutating func apply(_ bytes: [UInt8]) throws(IdentityError) {
        let (new, record) = try IdentityStatement.read(bytes)
        guard new.identity == id else { throw .anotherIdentity }
        if new.act == .recover {
            try checkRecovery(new, by: record.record.issuer)
            epochStart = record.hash
        } else {
            try checkSuccession(new, hash: record.hash)
            try checkChange(new, by: record.record.issuer)
        }
        statement = new
        head = record.hash
    }

    private func checkRecovery(_ new: IdentityStatement, by issuer: PublicKey) throws(IdentityError) {
        guard new.epoch > statement.epoch else { throw .outdated }
        guard new.epoch == statement.epoch + 1, new.sequence == 0 else { throw .gap }
        guard new.previous == epochStart else { throw .fork }
        guard issuer.identifier == statement.recovery else { throw .notEntitled }
        // The old recovery key has been shown to the world by now.
        guard new.recovery != statement.recovery else { throw .changesCommitment }
    }

    private func checkSuccession(_ new: IdentityStatement, hash: Digest256) throws(IdentityError) {
        guard (new.epoch, new.sequence) > (statement.epoch, statement.sequence) else {
            let samePlace = (new.epoch, new.sequence) == (statement.epoch, statement.sequence)
            throw samePlace && hash != head ? .fork : .outdated
        }
        guard new.epoch == statement.epoch, new.sequence == statement.sequence + 1 else { throw .gap }
        guard new.previous == head else { throw .fork }
    }

    private func checkChange(_ new: IdentityStatement, by issuer: PublicKey) throws(IdentityError) {
        guard new.recovery == statement.recovery else { throw .changesCommitment }
        switch new.act {
        case .update:
            guard issuer == root else { throw .notEntitled }
            guard new.root == root, new.next == statement.next else { throw .changesCommitment }
        case .rotate:
            guard issuer.identifier == statement.next, new.root == issuer else { throw .notEntitled }
            guard new.next != statement.next else { throw .changesCommitment }
        case .create, .recover: throw .invalidStatement
        }
    }
}

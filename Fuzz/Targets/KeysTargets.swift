// SPDX-License-Identifier: Apache-2.0
internal import Wire

@testable internal import Keys

extension FuzzTarget {
    static let keys: [FuzzTarget] = [
        FuzzTarget("records", vectors: ["roost"], samples: { [record] + bodies }, run: records),
        FuzzTarget(
            "identities",
            maximumLength: 8192,
            vectors: ["roost"],
            samples: IdentityTrial.samples,
            run: { try IdentityTrial.run($0) }
        ),
        FuzzTarget(
            "key-files",
            maximumLength: 512,
            samples: { [sealed(for: [7, 7, 7])].compactMap(\.self) },
            run: keyFiles
        ),
        FuzzTarget(
            "recovery-kits",
            maximumLength: 512,
            vectors: ["roost"],
            samples: { [Array(kit.text.utf8), [1, 1], [1, 3], [2, 1]] },
            run: recoveryKits
        ),
    ]

    private static var record: [UInt8] {
        let body: CBORMap = ["name": "a site", "size": 12]
        let record = Record(type: "test", issuer: signer.publicKey, notBefore: 10, expires: 20, body: body)
        return SignedRecord(record, by: signer).bytes
    }

    private static var bodies: [[UInt8]] {
        let record = Record(type: "test", issuer: signer.publicKey, notBefore: 10, expires: nil, body: CBORMap())
        return [record.encoded]
    }

    /// As an envelope, and as the payload of one whose signature is right.
    @Sendable private static func records(_ bytes: [UInt8]) throws {
        for envelope in [bytes, KnownKeys.signed(bytes, type: "test")]
        where envelope.count <= RecordSpecification.maximumByteCount {
            guard let read = try? SignedRecord(envelope, type: "test", understanding: ["name"]) else { continue }
            try hold(read.bytes == envelope, "a record keeps the bytes that were signed")
            try hold(read.record.firstInvalidField == nil, "a record that was accepted could have been written")
            let again = CBOR.array([
                .bytes(read.record.encoded),
                .bytes(signer.sign(SignedRecord.signedBytes(type: "test", payload: read.record.encoded))),
            ])
            let reread = try? SignedRecord(again.encoded, type: "test", understanding: ["name"])
            try hold(
                read.record.issuer != signer.publicKey || reread?.record == read.record,
                "a record survives being written"
            )
            _ = read.record.isCurrent(at: 15)
        }
    }

    private static let localKey = SecretKey(exactly: [UInt8](repeating: 3, count: 32))

    private static func sealed(for content: [UInt8]) -> [UInt8]? {
        try? SealedKeyFile.seal(
            content,
            purpose: "test",
            with: .localKey(localKey),
            random: [UInt8](repeating: 1, count: 40)
        )
    }

    /// A passphrase is not tried: what costs a second has been refused by its cost before.
    @Sendable private static func keyFiles(_ bytes: [UInt8]) throws {
        if let file = try? SealedKeyFile(bytes) {
            let opened = try? file.open(with: .localKey(localKey), purpose: "test")
            try hold(opened == nil || sealedContent(bytes) == opened, "only what was sealed with the key is opened")
            if file.protection == .localKey {
                try hold(
                    (try? file.open(with: .passphrase([1]), purpose: "test")) == nil,
                    "a passphrase opens no local file"
                )
            }
        }
        guard let sealed = sealed(for: bytes) else { return }
        let opened = try? SealedKeyFile(sealed).open(with: .localKey(localKey), purpose: "test")
        try hold(opened == bytes, "what was sealed is opened")
        var spoiled = sealed
        spoiled[Int(bytes.first ?? 0) % sealed.count] ^= 1 << (UInt8(truncatingIfNeeded: bytes.count) & 7)
        let other = (try? SealedKeyFile(spoiled)).flatMap { try? $0.open(with: .localKey(localKey), purpose: "test") }
        try hold(other == nil, "a file of which a bit was changed is not opened")
    }

    private static func sealedContent(_ bytes: [UInt8]) -> [UInt8]? {
        (try? SealedKeyFile(bytes)).flatMap { try? $0.open(with: .localKey(localKey), purpose: "test") }
    }

    private static let kit = RecoveryKit(.site, subject: signer.publicKey.identifier, seed: localKey)

    /// As a text, as the bytes of one with a right checksum, and as what a kit is made of.
    @Sendable private static func recoveryKits(_ bytes: [UInt8]) throws {
        if let read = try? RecoveryKit(bytes.text) {
            try hold((try? RecoveryKit(read.text)) == read, "a kit survives being written")
        }
        let payload = Array((bytes + [UInt8](repeating: 0, count: 66)).prefix(66))
        let read = try? RecoveryKit(kitText(payload))
        try hold(
            (read != nil) == (payload[0] == 1 && (1...2).contains(payload[1])),
            "a kit is of a version and a kind that we know"
        )
        try hold(read.map { $0.text.filter { !$0.isWhitespace } == kitText(payload) } ?? true, "a kit keeps its bytes")
        // Any kit can be written and read; a typing error is seen.
        var seed = [UInt8](repeating: 0, count: 32)
        for (index, byte) in bytes.enumerated() { seed[index % 32] &+= byte }
        let made = RecoveryKit(.identity, subject: Hash.sha256(bytes), seed: SecretKey(exactly: seed))
        try hold((try? RecoveryKit(made.text)) == made, "a kit survives being written")
        try hold((try? RecoveryKit(String(made.text.dropFirst(5)))) == nil, "a kit without its first group is none")
    }

    /// With the checksum that a fuzzer cannot make.
    private static func kitText(_ payload: [UInt8]) -> String {
        let sum = Hash.sha256(Array("roost/recovery-kit".utf8) + [0] + payload).bytes.prefix(4)
        return Base32.encode(payload + sum, uppercase: true)
    }
}

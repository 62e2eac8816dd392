// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Keys
import Storage
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Identities of a home")
struct IdentitiesTests {
    private let folder = KeysHome()
    private let secret = Array("a good one".utf8)

    private func kind(_ body: () throws -> Void) -> NodeError.Kind? {
        do {
            try body()
            return nil
        } catch {
            return (error as? NodeError)?.kind
        }
    }

    @Test("S1-09: a new identity admits this device, and its kit alone has the recovery key")
    func newIdentity() throws {
        let new = try folder.keys.newIdentity(name: "Ada Lovelace", kitPath: folder.path + ".kit")
        defer { try? FileManager.default.removeItem(atPath: folder.path + ".kit") }
        #expect(new.identity.protection == "file mode only" && new.identity.devices == 1)
        #expect(try folder.keys.identities() == [new.identity])
        #expect(try folder.keys.identity(nil) == new.identity)
        #expect(try folder.keys.identity(new.identity.id.uppercased()) == new.identity)
        let kit = try RecoveryKit(new.recoveryKit)
        #expect(try RecoveryKit(try folder.text(folder.path + ".kit")) == kit)
        #expect(kit.kind == .identity && kit.subject.description == new.identity.id)
        let known = try folder.keys.knownIdentity("Ada Lovelace")
        #expect(SigningKey(kit.seed).publicKey.identifier == known.identity.statement.recovery)
        let sealed = try #require(try folder.keys.load("identity-\(known.identity.id)"))
        #expect(sealed.firstRange(of: kit.seed.bytes) == nil)
        // The kit restores: it is entitled to begin a new epoch.
        var restored = known.identity
        let recovered = IdentityKeys.recover(
            known.identity,
            with: kit.seed,
            devices: [],
            random: NodeKeys.randomBytes(96),
            at: 1
        )
        try restored.apply(try #require(recovered).statement.bytes)
        #expect(restored.statement.epoch == 1)
    }

    @Test("names are unique here, in one line, and the first identity is the default")
    func names() throws {
        _ = try folder.keys.newIdentity(name: "b")
        #expect(kind { _ = try folder.keys.newIdentity(name: "b") } == .cannotCreate)
        let hash = String(repeating: "ab", count: 32)
        for name in ["", " a", "a\n", "-x", "a\u{202E}b", String(repeating: "x", count: 65), hash, "\u{7F}"] {
            #expect(kind { _ = try folder.keys.newIdentity(name: name) } == .usage)
        }
        #expect(kind { _ = try folder.keys.identity("c") } == .noInput)
        #expect(kind { _ = try KeysHome().keys.identity(nil) } == .noInput)
        #expect(try KeysHome().keys.identities().isEmpty)
    }

    @Test("a kit is never written over another file, and without the kit there is no identity")
    func kitFile() throws {
        try folder.home.prepare()
        try folder.put([UInt8](repeating: 1, count: 2 << 20), "taken")
        #expect(kind { _ = try folder.keys.newIdentity(name: "a", kitPath: folder.path + "/taken") } == .cannotCreate)
        #expect(kind { _ = try folder.keys.newIdentity(name: "a", kitPath: "/nowhere/kit") } == .cannotCreate)
        #expect(try folder.keys.identities().isEmpty)
    }

    @Test("under a passphrase identities are listed without it, and nothing is signed")
    func passphrase() throws {
        let keys = folder.keys(passphrase: "x y")
        keys.usePassphrase(Array("x y".utf8))
        let new = try keys.newIdentity(name: "a")
        #expect(new.identity.protection == "passphrase")
        #expect(try folder.keys.identities() == [new.identity])
        #expect(try folder.keys.devices(of: "a").map(\.isThis) == [false])
        #expect(try folder.keys(passphrase: "x y").devices(of: "a").map(\.isThis) == [true])
        let key = String(repeating: "07", count: 32)
        #expect(kind { _ = try folder.keys.addDevice(key, name: "phone", to: nil) } == .notPermitted)
        #expect(kind { _ = try folder.keys.removeDevice("device 1", from: nil) } == .notPermitted)
        #expect(kind { _ = try folder.keys.exportIdentity("a", passphrase: secret) } == .notPermitted)
    }

    @Test("devices are admitted and removed by statements that follow each other")
    func devices() throws {
        let new = try folder.keys.newIdentity(name: "a")
        let other = KeysHome()
        let key = try other.keys.deviceKey(for: new.identity.id)
        #expect(try folder.keys.addDevice(key, name: "phone", to: "a").count == 2)
        #expect(kind { _ = try folder.keys.addDevice(key, name: "again", to: "a") } == .cannotCreate)
        #expect(kind { _ = try folder.keys.addDevice(nil, name: "this", to: "a") } == .cannotCreate)
        #expect(kind { _ = try folder.keys.addDevice("zz", name: "bad", to: "a") } == .usage)
        #expect(try folder.keys.removeDevice("device 1", from: "a").map(\.name) == ["phone"])
        #expect(kind { _ = try folder.keys.removeDevice("device 1", from: "a") } == .noInput)
        #expect(try folder.keys.addDevice(nil, name: "desk", to: "a").filter(\.isThis).map(\.name) == ["desk"])
        #expect(try folder.keys.knownIdentity("a").identity.statement.sequence == 3)
    }

    @Test("an exported identity opens with its passphrase alone, and is brought up to date, never back")
    func export() throws {
        let new = try folder.keys.newIdentity(name: "a")
        let old = try folder.keys.exportIdentity("a", passphrase: secret)
        _ = try folder.keys.removeDevice("device 1", from: "a")
        let late = try folder.keys.exportIdentity(new.identity.id, passphrase: secret)
        let other = KeysHome()
        #expect(kind { _ = try other.keys.importIdentity(old, passphrase: [1]) } == .notPermitted)
        #expect(try other.keys.importIdentity(old, passphrase: secret, name: "b").name == "b")
        #expect(try other.keys.importIdentity(late, passphrase: secret).devices == 0)
        #expect(kind { _ = try other.keys.importIdentity(old, passphrase: secret) } == .cannotCreate)
        #expect(try other.keys.addDevice(nil, name: "there", to: "b").map(\.isThis) == [true])
        let clash = KeysHome()
        _ = try clash.keys.newIdentity(name: "a")
        #expect(kind { _ = try clash.keys.importIdentity(old, passphrase: secret) } == .cannotCreate)
    }

    @Test("hostile exports and damaged identity files are errors")
    func hostile() throws {
        let new = try folder.keys.newIdentity(name: "a")
        let good = try folder.keys.exportIdentity("a", passphrase: secret)
        var random = SplitMix64(seed: 5)
        for _ in 0..<100 {
            var bytes = good
            // The sealed part is tried by its own suite: each opening costs a passphrase.
            bytes[Int.random(in: 0..<60, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            let refused = kind { _ = try KeysHome().keys.importIdentity(bytes, passphrase: secret) }
            #expect(refused == nil || [.badData, .usage, .notPermitted].contains(refused))
        }
        for bytes in [[], Array("ROOSTID1".utf8), Array(good.dropLast(1)), good + [0]] {
            #expect(kind { _ = try KeysHome().keys.importIdentity(bytes, passphrase: secret) } == .badData)
        }
        let name = "keys/identity-\(new.identity.id).public"
        let publicPart = try folder.copy(of: name)
        for index in stride(from: 0, to: publicPart.count, by: 7) {
            var bytes = publicPart
            bytes[index] ^= 0x80
            try folder.put(bytes, name)
            #expect(kind { _ = try folder.keys.identity("a") } != nil)
        }
    }

    @Test("an identity and a site endorse each other, and only with each other's consent")
    func endorsement() throws {
        _ = try folder.keys.newIdentity(name: "a")
        let site = try folder.keys.createSite().keys
        let proof = try folder.keys.endorse(site: site.site, by: "a").bytes
        let id = try #require(Digest256(hex: try folder.keys.identity("a").id))
        let here = Endorser(id: id, name: "a")
        let state = try Self.state(of: site, proof)
        #expect(folder.keys.endorsers(of: state) == [here])
        #expect(KeysHome().keys.endorsers(of: state) == [Endorser(id: id, name: nil)])
        // In the log of another site, or copied there by a writer who has not signed it.
        let other = try folder.keys.createSite().keys
        #expect(folder.keys.endorsers(of: try Self.state(of: other, proof)).isEmpty)
        #expect(folder.keys.endorsers(of: try Self.state(of: site, Array(proof.dropLast()))).isEmpty)
        #expect(folder.keys.endorsers(of: try Self.state(of: site, [])).isEmpty)
        #expect(folder.keys.endorsers(of: try Self.state(of: site, proof, proof)) == [here])
        _ = try folder.keys.removeDevice("device 1", from: "a")
        #expect(folder.keys.endorsers(of: state) == [here])
        #expect(kind { _ = try folder.keys.endorse(site: .zero, by: "a") } == .notPermitted)
        #expect(kind { _ = try folder.keys.endorse(site: site.site, by: "b") } == .noInput)
    }
    /// What a site's log says that has these endorsements.
    private static func state(of site: SiteKeys, _ proofs: [UInt8]...) throws -> FeedState {
        let root = RootRecord(next: site.nextCommitment, recovery: .zero, signer: site.signing)
        var log = try SiteLog(site: site.site, rootEntry: try #require(FeedEntry.root(root).encoded))
        for proof in proofs { try log.append(try #require(FeedEntry.endorse(proof).encoded)) }
        return log.state
    }
}

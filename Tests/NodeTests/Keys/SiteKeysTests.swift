// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import Storage
import TestSupport
import Testing
import Wire

@testable import Node

@Suite("Keys of own sites")
struct SiteKeysTests {
    private let folder = KeysHome()

    private func kind(_ body: () throws -> Void) -> NodeError.Kind? {
        do {
            try body()
            return nil
        } catch {
            return (error as? NodeError)?.kind
        }
    }

    @Test("a new site's kit is a private file, the one place with the recovery key, and fits the commitment")
    func newSite() throws {
        let new = try folder.keys.createSite()
        let site = new.keys.site
        #expect(site == new.keys.signing.publicKey.identifier)
        #expect(new.kitPath == "\(folder.path)/recovery/\(site).kit")
        #expect(try folder.permissions(new.kitPath) == 0o600)
        let kit = try RecoveryKit(try folder.text(new.kitPath))
        #expect(kit.kind == .site && kit.subject == site)
        #expect(SigningKey(kit.seed).publicKey.identifier == new.recoveryCommitment)
        let sealed = try #require(try folder.keys.load("site-\(site)"))
        #expect(sealed.firstRange(of: kit.seed.bytes) == nil)
        let again = try folder.keys.siteKeys(for: site)
        #expect(again.signing.seed == new.keys.signing.seed && again.nextCommitment == new.keys.nextCommitment)
        #expect(try folder.keys.ownSites() == [site])
        #expect(folder.keys.hasSite(site))
    }

    @Test("a rotation's keys are on disk before its entry; a crash between gives the same keys again")
    func rotation() throws {
        let new = try folder.keys.createSite()
        let (site, first) = (new.keys.site, new.keys.signing.publicKey)
        let staged = try folder.keys.prepareRotation(of: site, writer: first)
        #expect(staged.signer.publicKey.identifier == new.keys.nextCommitment)
        #expect(staged.successor.signing.publicKey == staged.signer.publicKey)
        // The entry was never written: the old keys still count, and the next try makes the same entry.
        #expect(try folder.keys.siteKeys(for: site, writer: first).signing.publicKey == first)
        let again = try folder.keys.prepareRotation(of: site, writer: first)
        #expect(again.successor.nextCommitment == staged.successor.nextCommitment)
        // The entry was written and the program ended before it noted so.
        let after = try folder.keys.siteKeys(for: site, writer: staged.signer.publicKey)
        #expect(after.nextCommitment == staged.successor.nextCommitment)
        #expect(try folder.keys.siteKeys(for: site).signing.publicKey == staged.signer.publicKey)
        // Links name the site key for ever: its half stays, for the pointer in the DHT.
        #expect(new.keys.pointers.isEmpty)
        #expect(after.pointers.map(\.publicKey) == [first])
        #expect(folder.keys.siteSigner(for: first)?.publicKey == first)
        #expect(folder.keys.siteSigner(for: staged.signer.publicKey)?.publicKey == staged.signer.publicKey)
        #expect(folder.keys.siteSigner(for: staged.successor.next.publicKey) == nil)
        #expect(kind { _ = try folder.keys.siteKeys(for: site, writer: first) } == .notPermitted)
        let second = try folder.keys.prepareRotation(of: site, writer: staged.signer.publicKey)
        #expect(second.signer.publicKey.identifier == staged.successor.nextCommitment)
    }

    @Test("a kit takes a site back, its successor is written first, and a crash between changes nothing")
    func recovery() throws {
        let new = try folder.keys.createSite()
        let (site, writer, old) = (new.keys.site, new.keys.signing.publicKey, new.recoveryCommitment)
        let kit = try folder.text(new.kitPath)
        let staged = try folder.keys.prepareRecovery(of: site, kit: kit, commitment: old, writer: writer)
        #expect(staged.signer.publicKey.identifier == old)
        #expect(staged.kitPath != new.kitPath)
        #expect(try folder.text(new.kitPath) == kit)
        let newKit = try RecoveryKit(try folder.text(staged.kitPath))
        #expect(SigningKey(newKit.seed).publicKey.identifier == staged.recoveryCommitment)
        let again = try folder.keys.prepareRecovery(of: site, kit: kit, commitment: old, writer: writer)
        #expect(again.recoveryCommitment == staged.recoveryCommitment)
        #expect(again.successor.signing.publicKey == staged.successor.signing.publicKey)
        #expect(try folder.keys.siteKeys(for: site, writer: writer).signing.publicKey == writer)
        let taken = staged.successor.signing.publicKey
        #expect(try folder.keys.siteKeys(for: site, writer: taken).signing.publicKey == taken)
        // The old kit is spent.
        let used = kind {
            _ = try folder.keys.prepareRecovery(
                of: site,
                kit: kit,
                commitment: staged.recoveryCommitment,
                writer: taken
            )
        }
        #expect(used == .notPermitted)
    }

    @Test("a kit restores a site in a home that never had its keys")
    func recoveryElsewhere() throws {
        let new = try folder.keys.createSite()
        let kit = try folder.text(new.kitPath)
        let other = KeysHome()
        #expect(kind { _ = try other.keys.siteKeys(for: new.keys.site) } == .notPermitted)
        let staged = try other.keys.prepareRecovery(
            of: new.keys.site,
            kit: kit,
            commitment: new.recoveryCommitment,
            writer: new.keys.signing.publicKey
        )
        #expect(kind { _ = try other.keys.siteKeys(for: new.keys.site) } == .notPermitted)
        let writer = staged.successor.signing.publicKey
        let keys = try other.keys.siteKeys(for: new.keys.site, writer: writer)
        #expect(keys.signing.publicKey == writer && keys.pointers.isEmpty)
    }

    @Test("a kit of another site, of an identity, with a slip or cut short is refused as bad data")
    func wrongKits() throws {
        let new = try folder.keys.createSite()
        let other = try folder.keys.createSite()
        let seed = try #require(SecretKey([UInt8](repeating: 7, count: 32)))
        let good = try folder.text(new.kitPath)
        let slip = String(try #require(try? RecoveryKit(good)).text.dropFirst(2)).replacing("A", with: "B")
        let identity = RecoveryKit(.identity, subject: new.keys.site, seed: seed).text
        for text in [try folder.text(other.kitPath), identity, slip, "", "ÄÖÜ", "# nothing"] {
            let refused = kind {
                _ = try folder.keys.prepareRecovery(
                    of: new.keys.site,
                    kit: text,
                    commitment: new.recoveryCommitment,
                    writer: new.keys.signing.publicKey
                )
            }
            #expect(refused == .badData)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.home.recovery).count == 2)
    }

    @Test("keys under a passphrase are not permitted without it, exit 77, and no kit without a site is left")
    func passphrase() throws {
        let keys = folder.keys(passphrase: "correct horse")
        keys.usePassphrase(Array("correct horse".utf8))
        let site = try keys.createSite().keys.site
        #expect(try folder.keys(passphrase: "correct horse").siteKeys(for: site).site == site)
        let before = try FileManager.default.contentsOfDirectory(atPath: folder.home.recovery)
        for keys in [folder.keys, folder.keys(passphrase: nil), folder.keys(passphrase: "wrong")] {
            #expect(kind { _ = try keys.siteKeys(for: site) } == .notPermitted)
        }
        for keys in [folder.keys, folder.keys(passphrase: nil)] {
            #expect(kind { _ = try keys.createSite() } == .notPermitted)
            #expect(kind { _ = try keys.device() } == .notPermitted)
        }
        #expect(NodeError.Kind.notPermitted.exitCode == 77)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.home.recovery) == before)
        #expect(try folder.keys.ownSites() == [site])
    }

    @Test("hostile key files are errors with a remedy, whatever byte of them is changed")
    func hostileFiles() throws {
        let site = try folder.keys.createSite().keys.site
        let name = "keys/site-\(site).key"
        let good = try folder.copy(of: name)
        var random = SplitMix64(seed: 77)
        for round in 0..<200 {
            var bytes = good
            switch round % 3 {
            case 0: bytes[Int.random(in: 0..<good.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            case 1: bytes = Array(good.prefix(Int.random(in: 0..<good.count, using: &random)))
            default: bytes += [UInt8.random(in: 0...255, using: &random)]
            }
            try folder.put(bytes, name)
            let refused = kind { _ = try folder.keys.siteKeys(for: site) }
            #expect([.badData, .notPermitted, .configuration].contains(refused))
        }
        // Sealed well, and no keys inside.
        for content in [[], [0xA0], [0xF6], [UInt8](repeating: 0x81, count: 500)] as [[UInt8]] {
            try folder.keys.save(content, as: "site-\(site)")
            #expect(kind { _ = try folder.keys.siteKeys(for: site) } == .badData)
        }
        // The file of one site does not pass for another's.
        let other = try folder.keys.createSite().keys.site
        try folder.put(good, "keys/site-\(other).key")
        #expect(kind { _ = try folder.keys.siteKeys(for: other) } == .badData)
    }

    @Test("the device is drawn once; its peer ids in two networks have nothing in common")
    func device() throws {
        let first = try NodeKeys.open(home: folder.home)
        #expect(try first.peerID() == folder.keys.peerID())
        #expect(try first.peerID() != first.peerID(network: "none"))
        #expect(try first.peerID() != KeysHome().keys.peerID())
        try folder.keys.save([1, 2, 3], as: "device")
        #expect(kind { _ = try folder.keys.device() } == .badData)
    }
}

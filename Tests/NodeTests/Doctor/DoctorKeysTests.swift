// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import Storage
import Testing
import Wire

@testable import Node

@Suite("The doctor and the keys", .timeLimit(.minutes(5)))
struct DoctorKeysTests {
    /// A home with a device, an identity and a site, on which the node runs.
    private struct World {
        let node: PublishingNode
        let peer: PeerID
        let identity: String
        let site: Digest256

        var home: Home { node.context.home }
        var device: String { "device.key" }
        var siteKey: String { "site-\(site.hex).key" }
        var identityKey: String { "identity-\(identity).key" }
        var identityPublic: String { "identity-\(identity).public" }

        init() async throws {
            node = try await PublishingNode()
            let keys = try NodeKeys.open(home: node.context.home)
            peer = try keys.peerID()
            identity = try keys.newIdentity(name: "Ada").identity.id
            try node.write("1", to: "site/index.html")
            site = try KeepingServiceTests.id(try await node.publish())
            _ = try NodeKeys.open(home: node.context.home)
        }

        /// As the node that starts next has them.
        func keys() throws -> NodeKeys { try NodeKeys.open(home: home) }

        func bytes(_ name: String) throws -> [UInt8] { try home.read("\(home.keys)/\(name)") }

        func put(_ bytes: [UInt8], _ name: String) throws { try home.write(bytes, to: "\(home.keys)/\(name)") }

        func flip(_ bits: [Int], of name: String) throws {
            var bytes = try bytes(name)
            for bit in bits { bytes[bit / 8] ^= 1 << (bit % 8) }
            try put(bytes, name)
        }

        func remove(_ name: String) throws { try home.remove("\(home.keys)/\(name)") }

        /// What is no "ok".
        func findings(repair: Bool) async throws -> [DoctorReport.Finding] {
            let doctor = Doctor(context: node.context, sites: node.sites, swarms: node.swarms)
            let report = try await doctor.run(repair: repair) { _ in }
            let found = report.findings.filter { $0.state != "ok" }
            #expect(report.healthy == !found.contains { $0.state == "problem" })
            #expect(found.filter { $0.state == "problem" }.allSatisfy { $0.remedy?.isEmpty == false })
            return found
        }
    }

    @Test("nothing is said where nothing is missing")
    func sound() async throws {
        let world = try await World()
        #expect(try await world.findings(repair: false).isEmpty)
        #expect(try await world.findings(repair: true).isEmpty)
        await world.node.end()
    }

    @Test("a lost device key, for which the node drew another, is said with the peer it was, until it is back")
    func device() async throws {
        let world = try await World()
        let good = try world.bytes(world.device)
        try world.remove(world.device)
        let now = try world.keys().peerID()
        #expect(now != world.peer)
        for repair in [false, true] {
            let found = try await world.findings(repair: repair)
            #expect(found.map(\.state) == ["problem"])
            #expect(found.allSatisfy { $0.what.contains("keys/device.key") && $0.what.contains(world.peer.digest.hex) })
            #expect(
                found.allSatisfy { $0.what.contains(now.digest.hex) && $0.remedy?.contains("copy of the home") == true }
            )
        }
        try world.put(good, world.device)
        #expect(try await world.findings(repair: true).isEmpty)
        await world.node.end()
    }

    @Test("a damaged or missing public half of an identity is written anew from its key", arguments: [true, false])
    func publicHalf(isMissing: Bool) async throws {
        let world = try await World()
        let good = try world.bytes(world.identityPublic)
        if isMissing {
            try world.remove(world.identityPublic)
        } else {
            try world.flip([60 * 8, 61 * 8], of: world.identityPublic)
        }
        let damaged = try? world.bytes(world.identityPublic)
        let found = try await world.findings(repair: false)
        #expect(found.map(\.state) == ["problem"])
        #expect(found.allSatisfy { $0.what.contains("keys/\(world.identityPublic)") })
        #expect((try? world.bytes(world.identityPublic)) == damaged)
        #expect(try await world.findings(repair: true).map(\.state) == ["repaired"])
        #expect(try world.bytes(world.identityPublic) == good)
        #expect(try world.keys().identities().map(\.id) == [world.identity])
        #expect(try await world.findings(repair: true).isEmpty)
        await world.node.end()
    }

    @Test("what is written anew of an identity is its newest statement")
    func newest() async throws {
        let world = try await World()
        let other = KeysHome()
        _ = try world.keys().addDevice(other.keys.deviceKey(for: world.identity), name: "phone", to: nil)
        let good = try world.bytes(world.identityPublic)
        try world.remove(world.identityPublic)
        #expect(try await world.findings(repair: true).map(\.state) == ["repaired"])
        #expect(try world.bytes(world.identityPublic) == good)
        #expect(try world.keys().devices(of: nil).map(\.name).contains("phone"))
        await world.node.end()
    }

    @Test("an identity whose key is lost is a problem, is still listed, and comes back from an export")
    func identityKey() async throws {
        let world = try await World()
        let secret = Array("a good one".utf8)
        let export = try world.keys().exportIdentity("Ada", passphrase: secret)
        try world.remove(world.identityKey)
        let found = try await world.findings(repair: true)
        #expect(found.map(\.state) == ["problem"])
        #expect(found.allSatisfy { $0.what.contains("keys/\(world.identityKey)") && $0.what.contains("Ada") })
        let listed = try world.keys().identities()
        #expect(listed.map(\.id) == [world.identity] && listed.allSatisfy { $0.protection.contains("missing") })
        _ = try world.keys().importIdentity(export, passphrase: secret)
        #expect(try await world.findings(repair: true).isEmpty)
        await world.node.end()
    }

    @Test("an identity of which nothing is left is a problem")
    func identity() async throws {
        let world = try await World()
        try world.remove(world.identityKey)
        try world.remove(world.identityPublic)
        let found = try await world.findings(repair: true)
        #expect(found.map(\.state) == ["problem"])
        #expect(found.allSatisfy { $0.what.contains(world.identity) && $0.what.contains("Ada") })
        await world.node.end()
    }

    @Test("a lost site key is a problem that names its file")
    func siteKey() async throws {
        let world = try await World()
        try world.remove(world.siteKey)
        let found = try await world.findings(repair: true)
        #expect(found.map(\.state) == ["problem"])
        #expect(found.allSatisfy { $0.remedy?.contains("keys/\(world.siteKey)") == true })
        await world.node.end()
    }

    @Test("a damaged key file is blamed itself, and nobody is told to give up the others")
    func damaged() async throws {
        let world = try await World()
        for name in [world.device, world.siteKey, world.identityKey] {
            let good = try world.bytes(name)
            // In the sealed part, in the number of the version, and in how it is protected.
            for bits in [[50 * 8, 51 * 8], [8 * 8 + 1, 50 * 8], [9 * 8, 50 * 8]] {
                try world.flip(bits, of: name)
                for repair in [false, true] {
                    let found = try await world.findings(repair: repair)
                    #expect(found.map(\.state) == ["problem"], "\(name) \(bits): \(found)")
                    #expect(found.allSatisfy { $0.what.contains("keys/\(name)") && !$0.what.contains("local.key") })
                    #expect(found.allSatisfy { $0.remedy?.contains("folder keys/") == false })
                }
                try world.put(good, name)
            }
        }
        #expect(try await world.findings(repair: true).isEmpty)
        await world.node.end()
    }

    @Test("one bit that was flipped in a key file is set right")
    func flipped() async throws {
        let world = try await World()
        for name in [world.device, world.siteKey, world.identityKey, "local.key"] {
            let good = try world.bytes(name)
            for bit in [3, good.count * 4, good.count * 8 - 1] {
                try world.flip([bit], of: name)
                let damaged = try world.bytes(name)
                let found = try await world.findings(repair: false)
                #expect(found.map(\.state) == ["problem"], "\(name) \(bit): \(found)")
                #expect(found.allSatisfy { $0.what.contains("keys/\(name)") })
                #expect(try world.bytes(name) == damaged)
                let repaired = try await world.findings(repair: true)
                #expect(repaired.map(\.state) == ["repaired"], "\(name) \(bit): \(repaired)")
                #expect(try world.bytes(name) == good)
            }
        }
        await world.node.end()
    }

    @Test("the local key is to blame where nothing opens with it, or it is none", arguments: [32, 12])
    func localKey(length: Int) async throws {
        let world = try await World()
        try world.put([UInt8](repeating: 7, count: length), "local.key")
        let found = try await world.findings(repair: true)
        #expect(found.map(\.state) == ["problem"])
        #expect(found.allSatisfy { $0.what.contains("keys/local.key") })
        await world.node.end()
    }
    @Test("a local key that others may read is said once, not of each key that it opens")
    func readableLocalKey() async throws {
        let world = try await World()
        let path = world.home.keys + "/local.key"
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let found = try await world.findings(repair: true)
        #expect(found.count == 1 && found.allSatisfy { $0.what.contains(path) && $0.remedy?.contains("chmod") == true })
        await world.node.end()
    }
}

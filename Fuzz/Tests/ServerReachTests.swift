// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Testing
internal import Wire

@testable internal import Gateway
@testable internal import Node
@testable internal import Storage
@testable internal import Transport

/// That the targets with whole servers, stores and clients behind them get to what they state something about.
@Suite("Reach of the fuzz targets: servers, files and gateways")
struct ServerReachTests {
    @Test("requests to the content server are served, asked about, moved and refused")
    func content() throws {
        let seen = try ContentSamples.all.flatMap { try ContentTrial.run($0) }
        #expect(Set(seen.map(\.status)).isSuperset(of: [200, 204, 206, 301, 304, 403, 404, 421]))
        let stranger = try ContentSamples.all.flatMap { try ContentTrial.run([$0[0] & ~1] + $0.dropFirst()) }
        #expect(stranger.contains { $0.status == 200 && $0.deeds.sites.isEmpty })
        #expect(stranger.contains { !$0.deeds.welcomed.isEmpty && $0.status == 200 })
        #expect(stranger.contains { !$0.deeds.welcomed.isEmpty && $0.status == 303 })
        #expect(Set(seen.flatMap(\.deeds.network)) == Set(ContentTrial.sites))
        let elsewhere = try ContentSamples.all.flatMap { try ContentTrial.run([$0[0] | 2] + $0.dropFirst()) }
        #expect(elsewhere.allSatisfy { $0.status == 403 })
    }

    @Test("calls of programs and of the interface come through, and others' do not")
    func control() throws {
        let calls = Set(
            try ControlSamples.all.flatMap { try ControlTrial.run($0) }.flatMap(\.calls).map { $0.prefix(4) }
        )
        #expect(calls.isSuperset(of: ["stat", "site", "peer", "open", "publ", "fetc", "doct", "lear", "chan", "stop"]))
        #expect(!calls.contains("iden"))
        let elsewhere = try ControlSamples.all.flatMap { try ControlTrial.run([$0[0] | 2] + $0.dropFirst()) }
        #expect(elsewhere.allSatisfy { $0.status == 403 && $0.calls.isEmpty })
    }

    @Test("packs have whole files, and some that are not found")
    func packs() throws {
        let found = try PackTrial.samples.map { try PackStoreTrial.run(PackTrial($0)).count }
        #expect(found.contains(0) && found.contains(1) && found.contains(2))
        let sound = PackTrial.samples.map { PackTrial($0).sound.count }
        #expect(sound.contains(0) && sound.contains(2))
    }

    @Test("an exported identity is read, with its statements changed too")
    func exports() throws {
        let target = try #require(FuzzTarget.all.first { $0.name == "identities" })
        let exports = target.samples().filter { $0.starts(with: NodeKeys.exportMagic) }
        let read = try #require(exports.first.flatMap { try? NodeKeys.readExport($0, name: nil) })
        #expect(read.0.name == "me" && read.1.protection == .passphrase)
        #expect(target.samples().contains { KnownIdentity(encoded: $0) != nil })
        #expect(target.samples().contains { IdentityKeyFile(encoded: $0)?.staged != nil })
        #expect(target.samples().contains { SiteKeyFile(encoded: $0)?.staged != nil })
    }

    @Test("a gateway's description and its answers get to our clients")
    func gateways() throws {
        let described = UPnPSamples.all.filter { $0[0] == 0 }.compactMap {
            try? UPnPTrial.description(Array($0.dropFirst()))
        }
        #expect(described.contains("http://192.0.2.1:5000/ctl/IPConn"))
        let asked = try UPnPSamples.all.filter { $0[0] >= 8 }.map { sample in
            try UPnPTrial.asked(Int(sample[0]) % 2, UPnPTrial.head(sample.count - 1) + sample.dropFirst())
        }
        let addresses = asked.compactMap { $0?.pinhole == nil ? $0?.externalAddress?.description : nil }
        #expect(addresses.contains("203.0.113.77"))
        #expect(asked.contains { $0?.pinhole?.name == "1234567" })
    }
}

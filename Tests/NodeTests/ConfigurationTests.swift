// SPDX-License-Identifier: Apache-2.0
import Feeds
import Foundation
import Storage
import Testing
import Wire

@testable import Node

@Suite struct ConfigurationTests {
    @Test("flags win over the environment, which wins over the file, which wins over the defaults")
    func precedence() throws {
        let loader = ConfigurationLoader(
            file: "listen = \"10.0.0.1:1\"\nquota = 2097152\nserve = \"own\"\n",
            environment: ["ROOST_LISTEN": "10.0.0.2:2", "ROOST_SERVE": "quota"],
            flags: ["listen": "10.0.0.3:3"]
        )
        let (configuration, entries) = try loader.load()
        #expect(configuration.listen == Endpoint("10.0.0.3:3"))
        #expect(configuration.serve == .quota)
        #expect(configuration.quota == 2_097_152)
        #expect(configuration.network == "mainline")
        let sources = Dictionary(uniqueKeysWithValues: entries.map { ($0.key, $0.source) })
        #expect(sources["listen"] == "flag" && sources["serve"] == "environment")
        #expect(sources["quota"] == "file" && sources["network"] == "default")
    }

    @Test(
        "a value that is not of its form is refused with the key, the value and the remedy",
        arguments: [
            "gateway = \"0.0.0.0:8420\"", "gateway = \"10.0.0.1:8420\"", "quota = 12", "serve = \"all\"",
            "listen = \"somewhere\"", "maximum-peers = 5", "network = \"other\"", "bootstrap = \"host\"",
            "unknown = 1", "quota = ", "= 3", "[section]\nx = 1", "log-level = \"loud\"",
        ]
    )
    func refused(file: String) {
        let error = #expect(throws: NodeError.self) { _ = try ConfigurationLoader(file: file).load() }
        #expect(error?.kind == .configuration)
        #expect(error?.remedy.isEmpty == false)
    }

    @Test("setting a value keeps comments, order and the other values")
    func setting() throws {
        let text = "# mine\nquota = \"2097152\"\n\n# peers\nlisten = \"0.0.0.0:7000\"\n"
        let changed = try ConfigurationLoader.setting("quota", to: "3145728", in: text)
        #expect(changed == "# mine\nquota = \"3145728\"\n\n# peers\nlisten = \"0.0.0.0:7000\"\n")
        let added = try ConfigurationLoader.setting("serve", to: "own", in: changed)
        #expect(added == changed + "serve = \"own\"\n")
        #expect(try ConfigurationLoader(file: added).load().configuration.serve == .own)
    }

    @Test("a setting is found and replaced however it was written: several lines, quoted key, carriage returns")
    func replaced() throws {
        let text = "bootstrap = [\n  \"a:1\", # one\n  \"b:2\",\n]\r\n\"quota\" = 2097152\r\nserve = 'own'\r\n"
        var changed = try ConfigurationLoader.setting("bootstrap", to: "c:3", in: text)
        changed = try ConfigurationLoader.setting("quota", to: "3145728", in: changed)
        changed = try ConfigurationLoader.setting("serve", to: "quota", in: changed)
        let loaded = try ConfigurationLoader(file: changed).load().configuration
        #expect(loaded.bootstrap == ["c:3"] && loaded.quota == 3_145_728 && loaded.serve == .quota)
    }

    @Test(
        "what ended the program in the library that read config.toml before is an error",
        arguments: ["[.", "[", "[.a]"]
    )
    func onceFatal(file: String) {
        #expect(throws: NodeError.self) { _ = try ConfigurationLoader(file: file).load() }
    }

    @Test("a value is checked before it is written", arguments: [("quota", "x"), ("nothing", "1")])
    func settingRefused(key: String, value: String) {
        #expect(throws: NodeError.self) { _ = try ConfigurationLoader.setting(key, to: value, in: "") }
    }

    @Test("limits are rates or 0 for none, and hold at once when they are set while the node runs")
    func limits() throws {
        let file = "download-limit = 2048\ntorrent-upload-limit = \"0\"\nmaximum-dials = 7\n"
        let (configuration, entries) = try ConfigurationLoader(file: file).load()
        #expect(configuration.limits.everything == NodeLimits.Rates(download: 2048, upload: nil))
        #expect(configuration.limits.maximumDials == 7)
        #expect(entries.first { $0.key == "download-limit" }?.value == "2048")
        #expect(entries.first { $0.key == "upload-limit" }?.value == "0")
        for line in ["upload-limit = 1023", "upload-limit = -1", "maximum-dials = 0", "dht-queries = 5"] {
            #expect(throws: NodeError.self) { _ = try ConfigurationLoader(file: line).load() }
        }
        let live = LiveConfiguration(configuration, entries: entries)
        live.wasSet("network-download-limit", to: "4096")
        live.wasSet("dht-queries", to: "20")
        #expect(live.current.limits.network.download == 4096)
        #expect(NodeStatus.Limits(live.current).networkDownload == 4096)
        // Read at the start only.
        #expect(live.current.dhtQueries == 150)
    }

    @Test("accept-pushes is off on the public network and on elsewhere, unless it is said")
    func acceptsPushes() throws {
        func accepts(_ file: String) throws -> Bool {
            try ConfigurationLoader(file: file).load().configuration.effectiveAcceptPushes
        }
        #expect(try !accepts(""))
        #expect(try accepts("network = \"none\""))
        #expect(try accepts("accept-pushes = \"on\""))
        #expect(try !accepts("network = \"none\"\naccept-pushes = \"off\""))
    }

    @Test("A config.toml that cannot be read is an error, never an empty one that would then be written over it")
    func unreadable() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "roost-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let home = Home(path: folder.path)
        try home.prepare()
        #expect(try Node.configurationText(home).isEmpty)
        try FileManager.default.createDirectory(atPath: home.configuration, withIntermediateDirectories: false)
        #expect(throws: StorageError.self) { _ = try Node.configurationText(home) }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Kademlia
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Storage
internal import Swarm
internal import Testing
internal import Transport
internal import Wire

@testable internal import Node

private var hasIPv6: Bool {
    let devices = (try? System.enumerateDevices()) ?? []
    return devices.contains { $0.address.flatMap { Endpoint($0)?.address } == .v6(high: 0, low: 1) }
}

/// The node in both networks at once (BEP 32), on the loopback addresses.
@Suite(.enabled(if: hasIPv6, "this machine has no IPv6"), .timeLimit(.minutes(2))) struct TwoFamilyNodeTests {
    private static let v4 = IPAddress.v4(0x7F00_0001)
    private static let v6 = IPAddress.v6(high: 0, low: 1)

    /// Runs until it is stopped; its home is removed then.
    private final class Running {
        let home: Home
        let node: Node
        let work: Task<Void, any Error>

        init(_ listen: Endpoint, _ listen6: IPv6Listening, bootstrap: [Endpoint] = []) async throws {
            home = Home(path: NSTemporaryDirectory() + "roost-families-" + UUID().uuidString)
            var configuration = NodeConfiguration()
            configuration.network = "none"
            configuration.listen = listen
            configuration.listen6 = listen6
            configuration.bootstrap = bootstrap.map(\.description)
            try home.prepare()
            let options = NodeOptions(
                home: home,
                configuration: configuration,
                version: "test",
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            let node = try await Node.open(options)
            self.node = node
            work = Task { try await node.run() }
        }

        func stop() async {
            await node.stop()
            _ = await work.result
            try? FileManager.default.removeItem(atPath: home.path)
        }
    }

    private func peers(of hash: Digest160, at running: Running) async -> Set<Endpoint> {
        var found: Set<Endpoint> = []
        for await peers in running.node.network.peers(for: hash) { found.formUnion(peers) }
        return found
    }

    @Test(
        "One port in both families; each network has its table; what is announced is found in the network of the searcher"
    )
    func both() async throws {
        let middle = try await Running(Endpoint(Self.v4, port: 0), .at(Self.v6))
        #expect(middle.node.listens.map(\.address) == [Self.v4, Self.v6])
        #expect(Set(middle.node.listens.map(\.port)).count == 1)
        let four = try await Running(Endpoint(Self.v4, port: 0), .off, bootstrap: [middle.node.listens[0]])
        let six = try await Running(Endpoint(Self.v6, port: 0), .auto, bootstrap: [middle.node.listens[1]])
        let hash = Digest256.zero.truncated
        while try await middle.node.network.announce(hash) < 2 { try await Task.sleep(for: .milliseconds(20)) }
        for (reader, address) in [(four, middle.node.listens[0]), (six, middle.node.listens[1])] {
            // Nobody, as long as the answers take longer than a search waits on a busy machine.
            var found: Set<Endpoint> = []
            while found.isEmpty { found = await peers(of: hash, at: reader) }
            #expect(found == [address])
        }
        let status = await middle.node.status()
        #expect(status.listen == middle.node.listens.map(\.description))
        #expect(status.networks[0].dhtNodes == 2 && status.networks[0].dhtNodes6 == 1)
        #expect(status.networks[0].ipv6 == middle.node.listens[1].description)
        let table = await middle.node.network.table()
        #expect(table.buckets.flatMap(\.nodes).map(\.address) == [four.node.listen.description])
        #expect(table.buckets6?.flatMap(\.nodes).map(\.address) == [six.node.listen.description])
        #expect(await four.node.status().networks[0].ipv6 == "off")
        for running in [four, six, middle] { await running.stop() }
    }

    @Test("BEP 32 \"Bootstrapping\": whoever knows an IPv4 node of both networks finds the way into the IPv6 one")
    func bridge() async throws {
        let middle = try await Running(Endpoint(Self.v4, port: 0), .at(Self.v6))
        let six = try await Running(Endpoint(Self.v6, port: 0), .auto, bootstrap: [middle.node.listens[1]])
        let other = try await Running(Endpoint(Self.v4, port: 0), .at(Self.v6), bootstrap: [middle.node.listens[0]])
        let hash = Digest256.zero.truncated
        while try await other.node.network.announce(hash) < 2 { try await Task.sleep(for: .milliseconds(20)) }
        while await peers(of: hash, at: six) != [other.node.listens[1]] { try await Task.sleep(for: .milliseconds(20)) }
        for running in [other, six, middle] { await running.stop() }
    }

    @Test("Sites are published and read over IPv6 alone")
    func site() async throws {
        let author = try await Running(Endpoint(Self.v6, port: 0), .auto)
        let reader = try await Running(Endpoint(Self.v6, port: 0), .auto, bootstrap: [author.node.listen])
        let folder = NSTemporaryDirectory() + "roost-families-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: true)
        try Data("<p>six".utf8).write(to: URL(fileURLWithPath: folder + "/in/index.html"))
        let published = try await author.node.publish(PublishRequest(directory: folder + "/in"), report: { _ in })
        let request = FetchRequest(link: published.site, directory: folder + "/out")
        let fetched = try await reader.node.fetch(request, report: { _ in })
        #expect(fetched.files == 1)
        #expect(FileManager.default.contents(atPath: folder + "/out/index.html") == Data("<p>six".utf8))
        for running in [reader, author] { await running.stop() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    @Test("Without the address, `auto` goes on with IPv4 and says so; an address of one's own is an error")
    func absence() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        // Somebody has the port in IPv6.
        let other = try await UDPSocket.bind(to: Endpoint(.v6(high: 0, low: 0), port: 0), on: loop)
        let taken = Endpoint(Self.v4, port: other.localEndpoint.port)
        let port = try await PeerPort.bind(taken, beside: .auto, on: loop) { $0 }
        #expect(port.tcp == [taken])
        #expect(port.absence?.hasPrefix("port \(taken.port) is taken by ") == true)
        for socket in port.udp { await socket.close() }
        await other.close()
        // Documentation's prefix: no machine has it.
        let nobody = IPAddress.v6(high: 0x2001_0DB8_0000_0000, low: 7)
        await #expect { try await PeerPort.bind(taken, beside: .at(nobody), on: loop) { $0 } } throws: {
            ($0 as? NodeError)?.kind == .configuration
        }
        let failure = PeerPortFailure(endpoint: taken, error: UDPSocketError.cannotBind(taken, errno: EAFNOSUPPORT))
        #expect(failure.isWithoutFamily && failure.words == "this machine has none")
    }

    @Test("`listen6`: where it is `auto` it follows `listen`")
    func configuration() throws {
        var configuration = NodeConfiguration()
        #expect(configuration.effectiveListen6 == .auto)
        configuration.listen = Endpoint(Self.v4, port: 1)
        #expect(configuration.effectiveListen6 == .off)
        configuration.listen6 = .at(Self.v6)
        #expect(configuration.effectiveListen6 == .at(Self.v6))
        configuration.listen = Endpoint(Self.v6, port: 1)
        #expect(configuration.effectiveListen6 == .off)
        for text in ["auto", "off", "::", "fd00::1"] { #expect(IPv6Listening(text)?.description == text) }
        for text in ["", "on", "127.0.0.1", "ff02::1", "[::1]:1"] { #expect(IPv6Listening(text) == nil) }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Kademlia
internal import NIOCore
internal import NIOPosix
internal import Testing
internal import Transport
internal import Wire

/// What a DHT node costs, measured where it is asked for: other tests of the same process would be counted too.
///
///     ROOST_MEASURE=1 swift test --filter DHTMemoryTests
@Suite(.enabled(if: ProcessInfo.processInfo.environment["ROOST_MEASURE"] != nil))
struct DHTMemoryTests {
    private static let count = 100

    /// Anonymous memory of this process in KiB.
    private static func anonymous() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("Anonymous:") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
    }

    @Test("Issue 3: one of 100 nodes of a process takes at most 256 KiB, its socket and full tables included")
    func memory() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var nodes: [(socket: UDPSocket, service: DHTService)] = []
        func add(_ number: Int) async throws {
            let address = Endpoint(.v4(0x7F01_0000 + UInt32(number)), port: 0)
            let socket = try await UDPSocket.bind(to: address, on: loop)
            let service = try await DHTService.start(on: [socket])
            service.join(through: nodes.first.map { [$0.socket.localEndpoint] } ?? [])
            nodes.append((socket, service))
        }
        // What the first nodes bring along is not theirs: the loop, the code, the pools.
        for number in 1...5 { try await add(number) }
        for node in nodes { _ = try await node.service.findNode(.zero) }
        let before = try Self.anonymous()
        for number in 6...Self.count + 5 { try await add(number) }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<10 {
            for node in nodes { _ = try await node.service.findNode(.random(using: &generator)) }
        }
        let after = try Self.anonymous()
        var listed = 0
        for node in nodes { listed += try await node.service.inspect { $0.nodeCount } }
        let each = (after - before) / Self.count
        print("memory of one DHT node among \(Self.count): \(each) KiB, \(listed / nodes.count) nodes in its table")
        #expect(each <= 256)
        for node in nodes {
            try await node.service.shutdown()
            await node.socket.close()
        }
    }
}

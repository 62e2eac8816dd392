// SPDX-License-Identifier: Apache-2.0
import Kademlia
import NIOCore
import NIOPosix
import Testing
import Wire

@testable import Transport

/// Many datagrams that wait when the event loop comes to read them.
@Suite(.timeLimit(.minutes(5))) struct DatagramIntakeTests {
    /// Keeps what comes, on the event loop.
    private final class Probe: DatagramReceiver {
        var datagrams: [(bytes: [UInt8], source: Endpoint)] = []
        var inPlace = 0
        var ends = 0
        var onDatagram: ((Int) -> Void)?

        func receive(_ datagram: ByteBuffer, from source: Endpoint) {
            datagrams.append((Array(datagram.readableBytesView), source))
            onDatagram?(datagrams.count)
        }

        func receive(inPlace datagram: Span<UInt8>, from source: Endpoint) {
            inPlace += 1
            datagrams.append((datagram.indices.map { datagram[$0] }, source))
            onDatagram?(datagrams.count)
        }

        func receivedAll() { ends += 1 }
    }

    private struct Ports {
        let loop: any EventLoop
        let receiver: UDPSocket
        let senders: [UDPSocket]
        let probe: NIOLoopBound<Probe>

        func close() async {
            for socket in senders + [receiver] { await socket.close() }
        }
    }

    private func ports(_ address: IPAddress) async throws -> Ports {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let receiver = try await UDPSocket.bind(to: Endpoint(address, port: 0), on: loop)
        var senders: [UDPSocket] = []
        for _ in 0..<3 { senders.append(try await UDPSocket.bind(to: Endpoint(address, port: 0), on: loop)) }
        let probe = try await loop.submit {
            let probe = Probe()
            receiver.register(probe, for: .krpc)
            return NIOLoopBound(probe, eventLoop: loop)
        }.get()
        return Ports(loop: loop, receiver: receiver, senders: senders, probe: probe)
    }

    private static func datagram(_ number: Int) -> [UInt8] {
        [UInt8(ascii: "d")] + Array(String(number).utf8) + Array(repeating: 0x2E, count: number * 7 % 1400)
    }

    /// All of them lie in the receiver's queue before its event loop can read one.
    private func send(_ numbers: Range<Int>, _ ports: Ports) async throws {
        try await ports.loop.submit {
            for number in numbers {
                let sender = ports.senders[number % ports.senders.count]
                #expect(sender.send(Self.datagram(number), to: ports.receiver.localEndpoint) == 0)
            }
        }.get()
    }

    private func received(_ ports: Ports, until count: Int) async throws -> [(bytes: [UInt8], source: Endpoint)] {
        while true {
            let all = try await ports.loop.submit { ports.probe.value.datagrams.count }.get()
            if all >= count { break }
            await Task.yield()
        }
        return try await ports.loop.submit { ports.probe.value.datagrams }.get()
    }

    @Test(
        "What waits is handed over whole, once, in order, and with its sender, whatever its number",
        arguments: [IPAddress.v4(0x7F00_0001), IPAddress.v6(high: 0, low: 1)]
    )
    func many(_ address: IPAddress) async throws {
        let ports = try await ports(address)
        try await send(0..<150, ports)
        let all = try await received(ports, until: 150)
        #expect(all.count == 150)
        for (number, datagram) in all.enumerated() {
            #expect(datagram.bytes == Self.datagram(number))
            #expect(datagram.source == ports.senders[number % 3].localEndpoint)
        }
        let (inPlace, ends) = try await ports.loop.submit { (ports.probe.value.inPlace, ports.probe.value.ends) }.get()
        #expect(inPlace > 100, "NIO reads one for each time that the socket becomes readable")
        #expect(ends > 0)
        await ports.close()
    }

    @Test("What is too long or empty is dropped, and what comes behind it is not")
    func odd() async throws {
        let ports = try await ports(.v4(0x7F00_0001))
        let long = [UInt8(ascii: "d")] + Array(repeating: 0x2E, count: 3000)
        try await ports.loop.submit {
            for bytes in [Self.datagram(1), long, [], Self.datagram(2)] {
                #expect(ports.senders[0].send(bytes, to: ports.receiver.localEndpoint) == 0)
            }
        }.get()
        let all = try await received(ports, until: 2)
        #expect(all.map { $0.bytes } == [Self.datagram(1), Self.datagram(2)])
        await ports.close()
    }

    @Test("A receiver may close the socket, expect runs, or leave while datagrams are handed over")
    func closing() async throws {
        for way in 0..<3 {
            let ports = try await ports(.v4(0x7F00_0001))
            try await ports.loop.submit {
                ports.probe.value.onDatagram = { number in
                    guard number == 5 else { return }
                    switch way {
                    case 0: ports.receiver.closeNow()
                    case 1: ports.receiver.expectRuns(true)
                    default: ports.receiver.register(nil, for: .krpc)
                    }
                }
            }.get()
            try await send(0..<100, ports)
            let all = try await received(ports, until: way == 1 ? 100 : 5)
            #expect(way == 1 || all.count < 100)
            #expect(all.enumerated().allSatisfy { $1.bytes == Self.datagram($0) })
            await ports.close()
        }
    }
}

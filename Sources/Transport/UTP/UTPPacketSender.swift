// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import CLinux
internal import Glibc

/// Hands packets to the kernel: runs of equal size to one address in one system call, which the kernel or the network card
/// cuts (udp(7) UDP_SEGMENT). Nothing is copied before that.
///
// SAFETY: pointers into headers and streams are gathered and used within one call of `send`, during which neither changes.
@safe struct UTPPacketSender {
    /// Datagrams (UDP_MAX_SEGMENTS) and bytes in one call.
    private static let longestRun = 64
    private static let largestRun = 65_000
    /// Parts of one call: IOV_MAX is 1024.
    private static let mostParts = 512

    private var parts: [roost_udp_part] = unsafe []
    private var segmentSize = 0
    private var bytes = 0
    private var packets = 0
    private var isComplete = false
    /// Where the system refuses to cut, each datagram takes its own call.
    private var cuts = true

    /// Sends all of `output.packets`.
    ///
    /// - Returns: probes that were refused for their size.
    mutating func send(
        _ output: UTPOutput,
        stream: (UTPConnectionID) -> UTPStream?,
        place: (UTPConnectionID) -> (socket: UDPSocket, address: [UInt8], port: UInt16)?
    ) -> [UTPOutput.Packet] {
        var refused: [UTPOutput.Packet] = []
        unsafe output.headers.withUnsafeBytes { headers in
            var index = 0
            while index < output.packets.count {
                let first = output.packets[index]
                let stream = stream(first.connection)
                guard let place = place(first.connection) else {
                    index += 1
                    continue
                }
                begin(first)
                unsafe add(first, headers, stream)
                index += 1
                while index < output.packets.count, fits(output.packets[index], behind: first) {
                    unsafe add(output.packets[index], headers, stream)
                    index += 1
                }
                let failure = send(to: place, isWhole: first.isProbe)
                if first.isProbe, failure == EMSGSIZE { refused.append(first) }
            }
        }
        return refused
    }

    private mutating func begin(_ packet: UTPOutput.Packet) {
        unsafe parts.removeAll(keepingCapacity: true)
        segmentSize = packet.size
        bytes = 0
        packets = 0
        isComplete = packet.isProbe || !cuts
    }

    private func fits(_ packet: UTPOutput.Packet, behind first: UTPOutput.Packet) -> Bool {
        unsafe parts.count < Self.mostParts && !isComplete && packet.connection == first.connection && !packet.isProbe
            && packet.size <= segmentSize
            && packets < Self.longestRun && bytes + packet.size <= Self.largestRun
    }

    private mutating func add(_ packet: UTPOutput.Packet, _ headers: UnsafeRawBufferPointer, _ stream: UTPStream?) {
        unsafe append(UnsafeRawBufferPointer(rebasing: headers[packet.header]))
        unsafe stream?.withBytes(packet.offset, packet.count) { unsafe append($0) }
        bytes += packet.size
        packets += 1
        // A shorter one ends the run.
        if packet.size < segmentSize { isComplete = true }
    }

    private mutating func append(_ memory: UnsafeRawBufferPointer) {
        unsafe parts.append(roost_udp_part(bytes: memory.baseAddress, count: memory.count))
    }

    private mutating func send(to place: (socket: UDPSocket, address: [UInt8], port: UInt16), isWhole: Bool) -> Int32 {
        let size = packets > 1 ? segmentSize : 0
        let failure = unsafe parts.withUnsafeBufferPointer {
            unsafe place.socket.send($0, segmentSize: size, to: place.address, port: place.port, isWhole: isWhole)
        }
        // A device that cannot sum (EIO) or a kernel that cannot cut: these are lost, and repeated one by one.
        if size > 0, failure == EIO || failure == EINVAL || failure == ENOPROTOOPT { cuts = false }
        return failure
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import NIOCore
internal import NIOPosix
internal import Wire

/// Reads many datagrams by one system call and hands them over where they lie.
///
/// One for each event loop's thread, for all its sockets in turn: 66 KiB. A read of NIO makes a buffer, an address and an
/// envelope of each datagram, which for a DHT query is as much work as its answer.
// SAFETY: it never leaves the thread that made it: it is only had through a variable of the thread.
final class DatagramIntake: @unchecked Sendable {
    /// Longer datagrams are dropped: no protocol here has any, where runs are not expected.
    private static let slice = 2048
    private static let capacity = 32
    /// After 128 datagrams, about half a millisecond, others have their turn.
    private static let rounds = 4
    private static let ofThread = ThreadSpecificVariable<DatagramIntake>()

    private var bytes = [UInt8](repeating: 0, count: capacity * slice)
    private var datagrams = [roost_datagram](repeating: roost_datagram(), count: capacity)
    private var isInUse = false

    /// The one of the calling event loop.
    static var current: DatagramIntake {
        if let known = ofThread.currentValue { return known }
        let new = DatagramIntake()
        ofThread.currentValue = new
        return new
    }

    /// Hands over what has come until there is no more, or enough was done at a time; nothing when called from `body`.
    /// `isOpen` is asked before each system call: what is handed over may have the socket closed.
    func drain(_ descriptor: Int32, while isOpen: () -> Bool, _ body: (Span<UInt8>, Endpoint) -> Void) {
        guard !isInUse else { return }
        isInUse = true
        defer { isInUse = false }
        for _ in 0..<Self.rounds where isOpen() {
            // SAFETY: the buffer has `capacity` slices, and the descriptions as many places.
            let count = unsafe roost_udp_receive_many(descriptor, &bytes, Self.slice, &datagrams, Self.capacity)
            for index in 0..<count {
                let datagram = datagrams[index]
                guard datagram.length > 0 else { continue }
                let content = bytes.span.extracting(datagram.start..<datagram.start + datagram.length)
                body(content, datagram.endpoint)
            }
            if count < Self.capacity { return }
        }
    }
}

extension roost_datagram {
    fileprivate var endpoint: Endpoint {
        Endpoint(is_v4 != 0 ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high: high, low: low), port: port)
    }
}

// SPDX-License-Identifier: Apache-2.0
import NIOCore
import Wire

@testable import Swarm

/// One end of a pipe in memory; what is written arrives at the other end when ``carry()`` is called, in fragments.
final class PipeEnd: PeerByteStream {
    let endpoint: Endpoint
    var transport: PeerTransport { .utp }
    var isObfuscated: Bool { false }
    weak var receiver: (any PeerStreamReceiver)?
    weak var other: PipeEnd?
    var sent: [UInt8] = []
    var isClosed = false
    let fragment: Int

    init(port: UInt16, fragment: Int) {
        endpoint = Endpoint(.v4(0x7F00_0001), port: port)
        self.fragment = fragment
    }

    static func pair(fragment: Int) -> (PipeEnd, PipeEnd) {
        let (a, b) = (PipeEnd(port: 1, fragment: fragment), PipeEnd(port: 2, fragment: fragment))
        (a.other, b.other) = (b, a)
        return (a, b)
    }

    func write(_ bytes: consuming ByteBuffer) { sent += Array(bytes.readableBytesView) }
    func flush() {}
    func close() { isClosed = true }

    /// - Returns: whether there was anything to carry.
    func carry() -> Bool {
        guard !sent.isEmpty, let receiver = other?.receiver else { return false }
        let part = Array(sent.prefix(fragment))
        sent.removeFirst(part.count)
        self.receiver?.wrote(part.count, nil)
        receiver.received(ByteBuffer(bytes: part))
        return true
    }
}

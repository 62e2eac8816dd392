// SPDX-License-Identifier: Apache-2.0
import NIOCore

@testable import Swarm

/// Keeps what it hears of a stream.
final class StreamListener: PeerStreamReceiver {
    var heard: [UInt8] = []
    var taken = 0
    var hasEnded = false

    func received(_ bytes: ByteBuffer) { heard += Array(bytes.readableBytesView) }
    func wrote(_ count: Int, _ buffer: ByteBuffer?) { taken += count }
    func ended() { hasEnded = true }
}

// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Synchronization

/// A buffer on its way through the disk threads.
///
/// A job is a value that several owners hold for a moment, and a `ByteBuffer` with two owners is copied when it is written to:
/// the buffer stays here, with one owner, until it is taken out.
final class ReadBuffer: Sendable {
    private let buffer: Mutex<ByteBuffer>

    init(_ buffer: ByteBuffer) { self.buffer = Mutex(buffer) }

    func withBuffer<Result>(_ body: (inout ByteBuffer) -> Result) -> Result {
        buffer.withLock { body(&$0) }
    }

    /// The buffer; an empty one stays behind.
    func take() -> ByteBuffer {
        buffer.withLock { buffer in
            let taken = buffer
            buffer = ByteBuffer()
            return taken
        }
    }
}

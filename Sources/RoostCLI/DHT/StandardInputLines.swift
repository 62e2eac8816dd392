// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// The lines of standard input, read by a thread of their own that stays at most ``ahead`` lines ahead.
struct StandardInputLines {
    private static let ahead = 256

    let lines: AsyncStream<String>
    private let permits: DispatchSemaphore

    init() {
        let permits = DispatchSemaphore(value: Self.ahead)
        let (stream, continuation) = AsyncStream.makeStream(
            of: String.self,
            bufferingPolicy: .bufferingOldest(Self.ahead)
        )
        Thread.detachNewThread {
            while let line = readLine() {
                permits.wait()
                continuation.yield(line)
            }
            continuation.finish()
        }
        lines = stream
        self.permits = permits
    }

    /// To be called after each line taken.
    func taken() { permits.signal() }
}

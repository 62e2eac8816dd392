// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Dispatch

/// Ctrl-C and SIGTERM: the first ends a command cleanly, the second ends the process at once.
///
/// Before ``trap()`` either has the system's effect: the process ends, by that signal.
enum EndingSignal {
    /// From its return on no signal is lost, also where nobody waits yet. The descriptor that is readable once one came.
    @discardableResult
    static func trap() -> CInt { roost_ending_signals() }

    /// Returns at the first signal since ``trap()``, which it does itself; at once where that was long ago, and when cancelled.
    static func wait() async {
        let descriptor = trap()
        guard descriptor >= 0 else { return await untilCancelled() }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
        source.setEventHandler {
            continuation.yield()
            // What can be read stays so, and is told again and again.
            source.cancel()
        }
        source.resume()
        for await _ in stream { break }
        source.cancel()
    }

    /// Without a descriptor signals have the system's effect.
    private static func untilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }
}

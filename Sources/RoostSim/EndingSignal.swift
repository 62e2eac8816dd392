// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Ctrl-C and SIGTERM.
enum EndingSignal {
    private static var both: sigset_t {
        var signals = sigset_t()
        // SAFETY: both functions change the set that they are given; the numbers are valid.
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        return signals
    }

    /// From now on the first of them runs `body`, on a thread that waits for nothing else.
    ///
    /// To be called before there are other threads: they take over from this one what they do not listen to.
    static func onFirst(_ body: @escaping @Sendable (Int32) -> Never) {
        var signals = both
        // SAFETY: reads the set; the mask of before is not asked for.
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        Thread.detachNewThread {
            var (signals, signal) = (both, Int32(0))
            // SAFETY: reads the set and writes the number, which are this thread's own.
            while unsafe sigwait(&signals, &signal) != 0 {}
            body(signal)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Foundation

/// Waits for the user or the system to end the program.
enum ProcessSignal {
    /// Returns at the first SIGINT or SIGTERM.
    static func terminated() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield() }
            source.resume()
            return source
        }
        for await _ in stream { break }
        for source in sources { source.cancel() }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Synchronization

/// The first SIGINT or SIGTERM ends a command cleanly; a second one ends the process at once.
enum SecondSignal {
    private static let sources = Mutex<[any DispatchSourceSignal]>([])
    private static let count = Mutex(0)

    static func endsAtOnce() {
        sources.withLock { sources in
            guard sources.isEmpty else { return }
            sources = [SIGINT, SIGTERM].map { signal in
                let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
                source.setEventHandler {
                    let received = count.withLock { count in
                        count += 1
                        return count
                    }
                    if received > 1 { _exit(128 + signal) }
                }
                source.resume()
                return source
            }
        }
    }
}

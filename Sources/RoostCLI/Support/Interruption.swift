// SPDX-License-Identifier: Apache-2.0
internal import ServiceLifecycle
internal import UnixSignals

/// Waits for Ctrl-C or SIGTERM, which until then do not end the process.
enum Interruption {
    static func wait() async {
        for await _ in await UnixSignalsSequence(trapping: [.sigint, .sigterm]) { return }
    }
}

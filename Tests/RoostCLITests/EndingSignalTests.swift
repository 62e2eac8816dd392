// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import RoostCLI

@Suite("Signals that end a command, SURFACE §4")
struct EndingSignalTests {
    @Test("a signal that comes before anybody waits for it is not lost")
    func early() async {
        await #expect(processExitsWith: .exitCode(7)) {
            EndingSignal.trap()
            kill(getpid(), SIGINT)
            await EndingSignal.wait()
            exit(7)
        }
    }

    @Test("a second signal ends the process at once, with 128 and its number")
    func second() async {
        await #expect(processExitsWith: .exitCode(143)) {
            EndingSignal.trap()
            kill(getpid(), SIGINT)
            await EndingSignal.wait()
            kill(getpid(), SIGTERM)
            while true { sleep(1) }
        }
    }

    @Test("without a signal waiting ends when it is cancelled")
    func cancelled() async {
        await #expect(processExitsWith: .exitCode(3)) {
            let waiting = Task { await EndingSignal.wait() }
            waiting.cancel()
            await waiting.value
            exit(3)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What was done for one call, step by step, for `why` and `fetch --trace`.
///
/// Memory: at most ``maximumLines`` lines; later ones are counted only.
final class SiteTrace: Sendable {
    struct Line: Equatable, Sendable {
        /// Since the trace began.
        var time: Duration
        var text: String
    }

    static let maximumLines = 500

    private let start = ContinuousClock.now
    private let kept = Mutex<[Line]>([])

    func note(_ text: @autoclosure () -> String) {
        let time = ContinuousClock.now - start
        kept.withLock { lines in
            guard lines.count < Self.maximumLines else { return }
            lines.append(Line(time: time, text: text()))
        }
    }

    var lines: [Line] { kept.withLock { $0 } }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Synchronization

/// One line on standard error that shows how far a long command is. Safe to call from any thread.
final class ProgressBar: Sendable {
    private let isShown: Bool
    private let lastLine = Mutex("")

    init(shown: Bool) {
        isShown = shown
    }

    func show(_ progress: NodeProgress) {
        say(Self.text(progress, columns: 24))
    }

    /// Shows `line` in place of what stands there.
    func say(_ line: String) {
        guard isShown else { return }
        lastLine.withLock { last in
            guard last != line else { return }
            last = line
            Self.draw(line)
        }
    }

    /// Takes the line away, so that results stand alone.
    func clear() {
        guard isShown else { return }
        lastLine.withLock { last in
            if !last.isEmpty { Self.draw("") }
            last = ""
        }
    }

    private static func draw(_ line: String) {
        FileHandle.standardError.write(Data("\r\u{1B}[K\(PlainText.word(line))".utf8))
    }

    static func text(_ progress: NodeProgress, columns: Int) -> String {
        let count = { (value: Int64) in progress.unit == "bytes" ? bytes(value) : String(value) }
        guard let total = progress.total, total > 0 else { return "\(progress.stage)  \(count(progress.done))" }
        let share = min(1, max(0, Double(progress.done) / Double(total)))
        let filled = Int(share * Double(columns))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: columns - filled)
        return "\(progress.stage)  \(bar) \(Int(share * 100)) %  \(count(progress.done)) of \(count(total))"
    }

    /// For example `3.4 MB`.
    static func bytes(_ count: Int64) -> String {
        var value = Double(count)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 1000 { return unit == "B" ? "\(count) B" : String(format: "%.1f ", value) + unit }
            value /= 1000
        }
        return String(format: "%.1f TB", value)
    }
}

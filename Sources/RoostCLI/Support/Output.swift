// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Standard output: text for people, or exactly one JSON value.
enum Output {
    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return "null" }
        return String(decoding: data, as: UTF8.self)
    }

    static func line(_ text: String) {
        write(text + "\n")
    }

    /// Ends the program quietly where the reader has gone.
    static func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            // SAFETY: the buffer outlives the call, and the count is its own.
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                Foundation.exit(errno == EPIPE ? 0 : 74)
            }
            bytes = bytes.dropFirst(count)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// What may stand in a message or a reason: text of several lines that no terminal obeys.
public enum FreeText {
    /// Whether `text` has at most `limit` bytes, and no control character other than the line feed.
    public static func isValid(_ text: String, limit: Int) -> Bool {
        text.utf8.count <= limit
            && !text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Text for a terminal. Names, titles and messages come from strangers: what a terminal would obey, or what makes text
/// read in another order than it stands, is shown as U+FFFD.
enum PlainText {
    /// `text` in its lines.
    static func lines(_ text: String) -> String { replacing(text) { isObeyed($0) && $0 != "\n" && $0 != "\t" } }

    /// A stranger's words within a line of ours, which they cannot end.
    static func word(_ text: String) -> String { replacing(text, where: isObeyed) }

    private static func replacing(_ text: String, where isRefused: (Unicode.Scalar) -> Bool) -> String {
        guard text.unicodeScalars.contains(where: isRefused) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { isRefused($0) ? "\u{FFFD}" : $0 }))
    }

    /// C0 and C1 controls, line and paragraph separators, and the controls of direction (Unicode TR 9, 2.1 to 2.5).
    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: scalar.properties.isBidiControl
        }
    }
}

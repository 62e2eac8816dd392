// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Versions of a small site: files of every kind that the store treats in its own way.
enum SampleFolder {
    static func version(_ number: Int) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [
            "index.html": text("<h1>version \(number)</h1>", 3000),
            "style/site.css": text("body { }", 200),
            "style/twin.css": text("body { }", 200),
            "empty.txt": [],
            // Longer than a piece: stands for itself, in several writes.
            "long.bin": text("long", 300_000),
            "changes.bin": text("changes \(number)", 70_000),
        ]
        for small in 0..<6 { files["small/\(small).txt"] = text("small \(small)", 40 + small * 300) }
        files["only/\(number).txt"] = text("only in \(number)", 900)
        return files
    }

    /// Whether some version has the file with these bytes.
    static func has(_ bytes: [UInt8], at path: String) -> Bool { (1...3).contains { version($0)[path] == bytes } }

    /// `count` bytes that depend on the words alone.
    private static func text(_ words: String, _ count: Int) -> [UInt8] {
        var state = words.utf8.reduce(UInt64(count)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var bytes = Array(words.utf8.prefix(count))
        while bytes.count < count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes.append(UInt8(truncatingIfNeeded: state >> 33))
        }
        return bytes
    }
}

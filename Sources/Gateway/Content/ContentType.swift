// SPDX-License-Identifier: Apache-2.0

/// The media type of a file: by the end of its name, and by its first bytes where the name says nothing.
enum ContentType {
    /// How many bytes from the start decide.
    static let prefixLength = 1024

    /// Whether ``of(name:prefix:)`` needs the first bytes: the name is unknown, or they may declare an encoding.
    static func needsPrefix(name: String) -> Bool {
        guard let type = byName(name) else { return true }
        return declaresEncoding(type)
    }

    /// The type of the file called `name`; `prefix` are its first bytes, where they were needed.
    static func of(name: String, prefix: [UInt8]) -> String {
        let type = byName(name) ?? bySniffing(prefix)
        if declaresEncoding(type) {
            // A header would override what the page says of itself, and old pages are not all UTF-8.
            return declaresCharset(prefix) ? type : type + "; charset=utf-8"
        }
        let isText = type.hasPrefix("text/") || type == "application/json" || type == "application/manifest+json"
        return isText ? type + "; charset=utf-8" : type
    }

    private static func declaresEncoding(_ type: String) -> Bool { type == "text/html" }

    private static func declaresCharset(_ prefix: [UInt8]) -> Bool {
        let text = String(decoding: prefix.prefix(prefixLength).map { $0 < 0x80 ? $0 : 0x2e }, as: UTF8.self)
        return text.lowercased().contains("charset=")
    }

    private static func byName(_ name: String) -> String? {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        return table[name[name.index(after: dot)...].lowercased()]
    }

    /// Only types that are recognised beyond doubt: a sniffed script would be a hole.
    static func bySniffing(_ prefix: [UInt8]) -> String {
        for (magic, type) in signatures where prefix.starts(with: magic) { return type }
        if prefix.count >= 12, prefix[4..<8].elementsEqual("ftyp".utf8) { return "video/mp4" }
        if prefix.count >= 12, prefix.starts(with: "RIFF".utf8) {
            if prefix[8..<12].elementsEqual("WEBP".utf8) { return "image/webp" }
            if prefix[8..<12].elementsEqual("WAVE".utf8) { return "audio/wav" }
        }
        if isHTML(prefix) { return "text/html" }
        return isText(prefix) ? "text/plain" : "application/octet-stream"
    }

    private static func isHTML(_ prefix: [UInt8]) -> Bool {
        let start = prefix.drop { [0x09, 0x0a, 0x0c, 0x0d, 0x20].contains($0) }.prefix(14)
        let text = String(decoding: start.map { $0 < 0x80 ? $0 : 0x2e }, as: UTF8.self).lowercased()
        return ["<!doctype html", "<html", "<head", "<body"].contains { text.hasPrefix($0) }
    }

    private static func isText(_ prefix: [UInt8]) -> Bool {
        let controls = prefix.contains { $0 < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1b].contains($0) }
        guard !controls else { return false }
        // The cut may fall inside a character.
        return (0...3).contains { String(validating: prefix.dropLast($0), as: UTF8.self) != nil }
    }

    private static let signatures: [([UInt8], String)] = [
        ([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], "image/png"),
        ([0xff, 0xd8, 0xff], "image/jpeg"),
        (Array("GIF87a".utf8), "image/gif"),
        (Array("GIF89a".utf8), "image/gif"),
        (Array("%PDF-".utf8), "application/pdf"),
        ([0x1f, 0x8b, 0x08], "application/gzip"),
        ([0x50, 0x4b, 0x03, 0x04], "application/zip"),
        ([0x1a, 0x45, 0xdf, 0xa3], "video/webm"),
        (Array("OggS".utf8), "application/ogg"),
        (Array("ID3".utf8), "audio/mpeg"),
        (Array("wOF2".utf8), "font/woff2"),
        (Array("wOFF".utf8), "font/woff"),
        ([0x00, 0x61, 0x73, 0x6d], "application/wasm"),
    ]

    /// As registered with IANA; the rest of what web sites hold.
    private static let table: [String: String] = [
        "html": "text/html", "htm": "text/html", "xhtml": "application/xhtml+xml", "css": "text/css",
        "js": "text/javascript", "mjs": "text/javascript", "json": "application/json", "map": "application/json",
        "webmanifest": "application/manifest+json", "wasm": "application/wasm", "xml": "application/xml",
        "rss": "application/rss+xml", "atom": "application/atom+xml", "txt": "text/plain", "md": "text/markdown",
        "csv": "text/csv", "ics": "text/calendar", "vtt": "text/vtt", "png": "image/png", "jpg": "image/jpeg",
        "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif", "bmp": "image/bmp",
        "svg": "image/svg+xml", "ico": "image/vnd.microsoft.icon", "tif": "image/tiff", "tiff": "image/tiff",
        "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime",
        "mkv": "video/matroska", "mp3": "audio/mpeg", "m4a": "audio/mp4", "ogg": "audio/ogg", "oga": "audio/ogg",
        "opus": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav", "woff": "font/woff", "woff2": "font/woff2",
        "ttf": "font/ttf", "otf": "font/otf", "pdf": "application/pdf", "epub": "application/epub+zip",
        "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "xz": "application/x-xz",
        "zst": "application/zstd", "tar": "application/x-tar", "7z": "application/x-7z-compressed",
        "torrent": "application/x-bittorrent",
    ]
}

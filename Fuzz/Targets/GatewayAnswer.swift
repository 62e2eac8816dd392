// SPDX-License-Identifier: Apache-2.0

/// The bytes of one answer, read as strictly as a browser might: a line is what stands before CR LF, and nothing in it is a control
/// character.
struct GatewayAnswer {
    let statusLine: String
    /// By lower-case name.
    let fields: [String: String]
    let body: [UInt8]

    /// All that our servers ever send. No `Access-Control-…` is among them: nobody else's page is to read an answer.
    private static let known: Set<String> = [
        "accept-ranges", "allow", "cache-control", "content-length", "content-range", "content-security-policy",
        "content-type", "cross-origin-opener-policy", "cross-origin-resource-policy", "etag", "location",
        "referrer-policy", "retry-after", "set-cookie", "transfer-encoding", "x-content-type-options",
        "x-dns-prefetch-control", "x-roost-release",
    ]

    init(_ bytes: [UInt8]) throws(Broken) {
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: [13, 10, 13, 10]) }) else {
            throw Broken(description: "an answer has a head: \(bytes.text)")
        }
        body = Array(bytes[(end + 4)...])
        var lines: [[UInt8]] = [[]]
        var rest = bytes[..<end]
        while let byte = rest.popFirst() {
            if byte == 13, rest.first == 10 {
                rest = rest.dropFirst()
                lines.append([])
                continue
            }
            try hold(byte >= 32 && byte != 127, "no control character stands in a head: \(Array(bytes[..<end]).text)")
            lines[lines.count - 1].append(byte)
        }
        statusLine = lines[0].text
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let halves = line.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let name = halves[0].lowercased()
            try hold(
                halves.count == 2 && Self.known.contains(name) && fields[name] == nil,
                "a head has the fields that we send, each once: \(line.text)"
            )
            fields[name] = String(halves.last?.drop { $0 == " " } ?? "")
        }
        self.fields = fields
    }
}

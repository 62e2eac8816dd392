// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

@testable internal import Gateway
@testable internal import Node

/// What a browser, a page or another program sends to the two servers of the gateway.
extension FuzzTarget {
    static let gateway: [FuzzTarget] = [
        FuzzTarget(
            "gateway-requests",
            maximumLength: 6144,
            samples: { requestSamples() + longTargets() + connectionSamples() },
            run: gatewayRequest
        ),
        FuzzTarget(
            "control-bodies",
            maximumLength: 1024,
            samples: { bodySamples() + querySamples() + SessionsTrial.samples },
            run: controlBody
        ),
    ]

    private static func requestSamples() -> [[UInt8]] {
        let host = ContentHost(site: signer.publicKey.identifier, sequence: 2).name
        return [
            ["/a/b%20c?x=1", "\(host):8420", "bytes=0-4,7-,-2", "W/\"abc\", *", "a=b&c=%20d+e"],
            ["/", "roost.localhost:8421", "bytes=-5", "", "key=1"],
        ].map { Array($0.joined(separator: "\n").utf8) }
    }

    /// As long as a target may be, longer by one, and one that is longer once it is written again; lists beyond their bounds.
    private static func longTargets() -> [[UInt8]] {
        let longest = RequestPath.longest
        let targets = [
            String(repeating: "a", count: longest - 1), String(repeating: "a", count: longest),
            String(repeating: "\u{e9}", count: longest / 2 - 1),
        ].map { "/" + $0 }
        let ranges = (0...ByteRanges.mostParts).map { "\($0 * 2)-\($0 * 2)" }.joined(separator: ",")
        let fields = (0...16).map { "a\($0)=b" }.joined(separator: "&")
        return (targets + ["/\n\nbytes=\(ranges)\n\n\(fields)"]).map { Array($0.utf8) }
    }

    /// Heads as they are sent, behind 1 to the content server and behind 2 to the control server.
    private static func connectionSamples() -> [[UInt8]] {
        ContentSamples.all.map { [1] + $0 } + ControlSamples.all.map { [2] + $0 }
    }

    /// Behind a first byte of 1 or 2 what comes over a connection; otherwise line by line: target, Host, Range, If-None-Match, form.
    @Sendable private static func gatewayRequest(_ bytes: [UInt8]) throws {
        switch bytes.first {
        case 1: try ContentTrial.run(Array(bytes.dropFirst()))
        case 2: try ControlTrial.run(Array(bytes.dropFirst()))
        default: try gatewayLines(bytes)
        }
    }

    private static func gatewayLines(_ bytes: [UInt8]) throws {
        var lines = bytes.text.split(separator: "\n", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
        while lines.count < 5 { lines.append("") }
        try path(lines[0])
        if let host = ContentHost(authority: lines[1], port: 8420) {
            let again = ContentHost(authority: "\(host.name):8420", port: 8420)
            try hold(again == host, "a site's name leads to the site: \(host.name)")
        }
        for length in [Int64(0), 1, 1000, .max] {
            guard case .parts(let parts) = ByteRanges(lines[2], length: length) else { continue }
            try hold(
                parts.allSatisfy { !$0.isEmpty && $0.lowerBound >= 0 && $0.upperBound <= length },
                "parts lie in the file"
            )
            try hold(parts.count <= ByteRanges.mostParts, "parts are bounded")
        }
        let tag = EntityTag(contentHash: "abc")
        _ = (tag.isListed(in: lines[3]), tag.allowsRange(ifRange: lines[3]))
        try hold(FormText.fields(lines[4]).count <= 16, "fields are bounded")
    }

    private static func path(_ target: String) throws {
        guard let path = try? RequestPath(target: target) else { return }
        try hold(target.utf8.count <= RequestPath.longest, "a path is no longer than it may be")
        for name in path.components {
            try hold(
                !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == 0 || $0 == 47 },
                "a path does not climb"
            )
        }
        let again = try? RequestPath(target: path.encoded)
        try hold(
            path.encoded.utf8.count > RequestPath.longest || again?.components == path.components,
            "a path survives being written"
        )
    }

    private static func bodySamples() -> [[UInt8]] {
        [
            #"{"value":"betanet://x"}"#, #"{"key":"quota","value":"5"}"#, #"{"address":"x","change":{"pin":true}}"#,
            #"{"address":"x","change":{"withdraw":{"sequence":3}}}"#,
            #"{"address":"x","change":{"recover":{"kit":"AA"}}}"#,
            #"{"list":"local","subject":"site","value":"00","reason":""}"#, #"{"target":"00","salt":null,"seq":1}"#,
            #"{"value":"00","seq":1,"salt":"00","key":"00"}"#, #"{"repair":true}"#,
            #"{"directory":"/a","new":true,"site":"x","by":"me","label":"1.0","message":"new","push":3}"#,
            #"{"link":"betanet://x","directory":"/a","peers":["192.0.2.1:1"],"trace":true}"#,
        ].map { Array($0.utf8) }
    }

    private static func querySamples() -> [[UInt8]] {
        ["value=betanet://x", "a=b&value=a%20b+c&value=d", "value=&value=%ff", "value=%", "&&value"].map {
            Array($0.utf8)
        }
    }

    /// What a page or a script sends to the control API.
    @Sendable private static func controlBody(_ bytes: [UInt8]) throws {
        try survives(ControlArgument.self, bytes)
        try survives(ConfigurationChange.self, bytes)
        try survives(SiteChangeRequest.self, bytes)
        try survives(DenyRule.self, bytes)
        try survives(DHTItemQuery.self, bytes)
        try survives(DHTPutRequest.self, bytes)
        try survives(PublishRequest.self, bytes)
        try survives(FetchRequest.self, bytes)
        try survives(DoctorRequest.self, bytes)
        try query(bytes)
        try SessionsTrial.run(bytes)
    }

    /// The one argument of a call that asks: the first that is not empty, decoded once.
    private static func query(_ bytes: [UInt8]) throws {
        // In a request's target there is nothing else.
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return }
        let argument = ControlCall.argument(in: bytes.text)
        var expected: [String] = []
        for pair in bytes.split(separator: UInt8(ascii: "&")).prefix(16) {
            guard pair.starts(with: Array("value=".utf8)) else { continue }
            guard let value = decoded(pair.dropFirst(6)), !value.isEmpty else { continue }
            expected.append(value)
        }
        try hold(argument == expected.first, "a call's argument is the first that it has: \(argument ?? "none")")
    }

    /// RFC 3986 §2.1, with a blank for `+`; nil where that is no text.
    private static func decoded(_ escaped: ArraySlice<UInt8>) -> String? {
        var (bytes, rest): ([UInt8], ArraySlice<UInt8>) = ([], escaped)
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
                continue
            }
            guard let pair = Hex.decode(Array(rest.prefix(2)).text), pair.count == 1 else { return nil }
            bytes += pair
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func survives<Value: Codable>(_ type: Value.Type, _ bytes: [UInt8]) throws {
        guard let value = try? ControlAnswer.decode(type, from: bytes) else { return }
        let written = try ControlAnswer.encode(value)
        let again = try ControlAnswer.encode(ControlAnswer.decode(type, from: written))
        try hold(again == written, "a request survives being written: \(written.text)")
    }
}

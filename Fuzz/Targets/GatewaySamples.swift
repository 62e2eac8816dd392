// SPDX-License-Identifier: Apache-2.0

/// What browsers and programs send to the content server, each behind a byte of choices (``ContentTrial``).
enum ContentSamples {
    private static let host = ContentTrial.names[0]
    private static let own = "http://" + host

    private static let typed = ["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
    private static let image = ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"]
    private static let foreign = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"]
    private static let link = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]

    static let all: [[UInt8]] =
        [
            head(
                "GET",
                "/",
                typed + ["User-Agent: Mozilla/5.0", "Accept: text/html", "Accept-Language: de, en;q=0.8"]
            ),
            head("GET", "/style.css?a", image + ["Range: bytes=0-4,7-", "Cookie: a=b"]),
            head("GET", "/style.css", ["Range: bytes=-5", "If-Range: \"a\""])
                + head("GET", "/style.css", ["Range: bytes=999-"]),
            head("GET", "/folder?a=b", image) + head("GET", "/nowhere", image) + head("GET", "/folder/", typed),
            head("GET", "/folder", foreign + ["Origin: http://evil.example"]),
            head("GET", "/a%20b/?x", link + ["Sec-Purpose: prefetch", "Referer: http://evil.example/"]),
            head("HEAD", "/folder/%C3%BC", ["If-None-Match: *", "Connection: close"]),
            head("GET", "/", ["Referer: \(own)/page", "Origin: \(own)"]),
            head("GET", "/nothing", ["Host: evil.example"]),
            head("GET", "/", ["Upgrade: websocket", "Sec-WebSocket-Key: a", "Connection: Upgrade"]),
            head("GET", "/.roost/activity", image), head("GET", "/.roost/wait?/style.css", image),
            head("POST", "/.roost/open", ["Origin: \(own)", "Content-Length: 11"]) + Array("token=a&to=".utf8),
            head("POST", "/.roost/open", ["Referer: \(own)/", "Transfer-Encoding: chunked"])
                + Array("7\r\ntoken=a\r\n0\r\n\r\n".utf8),
            head("GET", "/", ["Origin: http://evil.example"]),
            head("GET", "/", image + ["Origin: http://" + host + "0"]),
            head("GET", "/", typed) + form("token=@&to=/%5Cevil.example/"),
            head("GET", "/a", typed) + form("token=@&to=/a%0D%0Ab?c"),
            head("GET", "/", [], host: "v2-" + host) + head("GET", "/404.html", [], host: "v2-" + host),
            head("GET", "/", [], host: ContentTrial.names[1]) + head("GET", "/", [], host: "localhost:8420"),
        ].flatMap { [[1] + $0, [0] + $0, [28] + $0] }

    /// As the question's own page sends it.
    private static func form(_ body: String) -> [UInt8] {
        let fields = ["Origin: \(own)", "Sec-Fetch-Site: same-origin", "Content-Length: \(body.utf8.count)"]
        return head("POST", "/.roost/open", fields) + Array(body.utf8)
    }

    private static func head(_ method: String, _ target: String, _ fields: [String], host: String = host) -> [UInt8] {
        GatewayHead.bytes(method, target, ["Host: \(host)"] + fields)
    }
}

/// What the interface, programs and others send to the control server, each behind a byte of choices (``ControlTrial``).
enum ControlSamples {
    private static let bearer = "Authorization: Bearer \(ControlTrial.token)"
    private static let name = "Host: roost.localhost:8421"
    private static let address = "Host: 127.0.0.1:8421"
    private static let script = [
        name, "Origin: \(ControlTrial.own)", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors",
        "Cookie: a=b; roost-session=\(ControlTrial.cookie)", "X-Roost-CSRF: \(ControlTrial.csrf)",
    ]
    private static let foreign = [
        name, "Origin: http://evil.example", "Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors",
        "Cookie: roost-session=\(ControlTrial.cookie)", "X-Roost-CSRF: \(ControlTrial.csrf)", bearer,
    ]

    static let all: [[UInt8]] =
        [
            GatewayHead.bytes("GET", "/api/v1/status", [address, bearer]),
            GatewayHead.bytes("GET", "/api/v1/site?value=a%20b", script),
            GatewayHead.bytes("GET", "/api/v1/peers", [name, bearer, "User-Agent: curl"]),
            GatewayHead.bytes("GET", "/api/v1/sites", [name, "Origin: http://evil.example", bearer]),
            GatewayHead.bytes("GET", "/api/v1/sites", [address, "Origin: \(ControlTrial.own)", bearer]),
            GatewayHead.bytes("GET", "/api/v1/sites", [name, "Sec-Fetch-Site: same-site", bearer]),
            GatewayHead.bytes("GET", "/api/v1/sites", foreign),
            GatewayHead.bytes("GET", "/home.js", [name] + script.suffix(3)),
            GatewayHead.bytes("GET", "/", [name, "Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"]),
            GatewayHead.bytes("HEAD", "/", [name, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]),
            post("session", #"{"code":"\#(ControlTrial.code)"}"#, script), post("session", "{}", script),
            post("open", #"{"value":"x"}"#, script), post("open", #"{"value":"x"}"#, foreign),
            post("publish", #"{"directory":"/a","new":true}"#, [address, bearer]),
            post("fetch", #"{"link":"x","peers":[],"trace":false}"#, [name, bearer]),
            post("doctor", #"{"repair":true}"#, [address, bearer]), post("torrent", "d4:infode", [address, bearer]),
            post("site/change", #"{"address":"x","change":{"pin":{}}}"#, script),
            post("ui/code", "{}", [address, bearer]),
            post("dht/get", #"{"target":"00"}"#, [address, bearer]) + post("stop", "{}", [address, bearer]),
        ].flatMap { [[0] + $0, [28] + $0] }

    private static func post(_ call: String, _ body: String, _ fields: [String]) -> [UInt8] {
        let fields = fields + ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"]
        return GatewayHead.bytes("POST", "/api/v1/\(call)", fields) + Array(body.utf8)
    }
}

private enum GatewayHead {
    static func bytes(_ method: String, _ target: String, _ fields: [String]) -> [UInt8] {
        Array((["\(method) \(target) HTTP/1.1"] + fields + ["", ""]).joined(separator: "\r\n").utf8)
    }
}

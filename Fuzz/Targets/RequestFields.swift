// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes

/// Who sent a request, by all its fields of a name one by one.
struct RequestFields {
    private let fields: HTTPFields

    init(_ request: HTTPRequest) { fields = request.headerFields }

    subscript(_ name: String) -> [String] { HTTPField.Name(name).map { fields[values: $0] } ?? [] }

    /// The one value that tells where a request came from; empty where it is missing or there are two.
    var site: String { self["Sec-Fetch-Site"].count == 1 ? self["Sec-Fetch-Site"][0] : "" }
    var fillsWindow: Bool { self["Sec-Fetch-Mode"] == ["navigate"] && self["Sec-Fetch-Dest"] == ["document"] }
    var hasMetadata: Bool {
        ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"].contains { !self[$0].isEmpty }
    }
    var wantsUpgrade: Bool { !self["Upgrade"].isEmpty || !self["Sec-WebSocket-Key"].isEmpty }
    var isBrowser: Bool { self["User-Agent"].first?.hasPrefix("Mozilla/") ?? false }

    /// An `Origin` is there that is not `own`, or two are.
    func isForeign(to own: String) -> Bool { !self["Origin"].isEmpty && self["Origin"] != [own] }
}

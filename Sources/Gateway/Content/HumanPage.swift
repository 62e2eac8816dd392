// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Wire

/// The gateway's own pages on a content origin: short, plain, readable without script. What others chose is escaped.
struct HumanPage {
    var title: String
    /// Ready HTML.
    var body: String
    /// Into the head: a refresh where the page watches something.
    var head = ""

    func response(_ status: HTTPResponse.Status, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[named: "Content-Type"] = "text/html; charset=utf-8"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    private var html: String {
        """
        <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>\(Self.escape(title))</title><style>\(EmbeddedFile.text(PackageResources.page_css))</style>\(head)</head>
        <body><main><h1>\(Self.escape(title))</h1>
        \(body)
        </main></body></html>
        """
    }

    /// Text for an element or a quoted attribute.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    static func paragraph(_ text: String) -> String { "<p>\(escape(text))</p>" }
}

// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Node

/// The files of the user interface.
enum HomeFiles {
    static func answer(_ path: RequestPath) -> Response {
        switch path.components {
        case []: file(PackageResources.home_html, "text/html; charset=utf-8")
        case ["home.css"]: file(PackageResources.home_css, "text/css; charset=utf-8")
        case ["home.js"]: file(PackageResources.home_js, "text/javascript; charset=utf-8")
        case ["icon.svg"]: file(PackageResources.icon_svg, "image/svg+xml")
        default: ControlAnswer.failure(NodeError(.notFound, "there is no such page", remedy: "Go to /."))
        }
    }

    private static func file(_ bytes: [UInt8], _ type: String) -> Response {
        var headers: HTTPFields = [:]
        headers[named: "Content-Type"] = type
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

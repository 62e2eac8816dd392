// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Node

/// The forms of answers of the control API.
enum ControlAnswer {
    static func encode(_ value: some Encodable) throws(NodeError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw NodeError(.internal, "an answer has no JSON form", remedy: "Report it with the log.")
        }
    }

    static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
        var headers: HTTPFields = [:]
        headers[named: "Content-Type"] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func failure(_ error: NodeError, status: Int? = nil) -> Response {
        let bytes = (try? encode(ControlFailure(error))) ?? []
        return json(bytes, status: .init(code: status ?? error.kind.httpStatus))
    }

    /// Decodes what a caller sent; the error names the field that does not fit.
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(NodeError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            let place: String
            switch error as? DecodingError {
            case .keyNotFound(let key, _): place = ": '\(key.stringValue)' is missing"
            case .typeMismatch(_, let context), .valueNotFound(_, let context):
                place = ": '\(context.codingPath.map(\.stringValue).joined(separator: "."))' has another type"
            default: place = ""
            }
            throw NodeError(
                .usage,
                "the body is not what this call takes\(place)",
                remedy: "See docs/protocols/control-api.md."
            )
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Node

/// Answers with a file of a release: conditions, ranges, type (RFC 9110 §13 and §14).
struct FileResponse: Sendable {
    let stream: ContentStream
    let request: Request
    let cacheControl: String
    /// 200, or 404 for the site's own page of that name, which has no conditions and no ranges.
    let status: HTTPResponse.Status

    private var file: ReleaseFile { stream.file }

    func make() async throws -> Response {
        var headers: HTTPFields = [:]
        let tag = EntityTag(contentHash: file.contentHash)
        headers[named: "Cache-Control"] = cacheControl
        guard status == .ok else { return try await whole(headers) }
        headers[named: "ETag"] = tag.text
        headers[named: "Accept-Ranges"] = "bytes"
        if let listed = request.headers[named: "If-None-Match"], tag.isListed(in: listed) {
            return Response(status: .notModified, headers: headers)
        }
        let mayRange = request.method == .get && tag.allowsRange(ifRange: request.headers[named: "If-Range"])
        switch ByteRanges(mayRange ? request.headers[named: "Range"] : nil, length: file.length) {
        case .whole: return try await whole(headers)
        case .parts(let parts): return try await partial(parts, headers)
        case .unsatisfiable:
            headers[named: "Content-Range"] = "bytes */\(file.length)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        }
    }

    private func whole(_ headers: HTTPFields) async throws -> Response {
        var headers = headers
        let first = try await firstBytes(of: 0..<file.length)
        headers[named: "Content-Type"] = try await type(first: first)
        let body = stream.body(of: [.bytes(0..<file.length)], first: first)
        return Response(status: status, headers: headers, body: body)
    }

    private func partial(_ parts: [Range<Int64>], _ headers: HTTPFields) async throws -> Response {
        var headers = headers
        guard let start = parts.first else { return try await whole(headers) }
        let first = try await firstBytes(of: start)
        let type = try await type(first: start.lowerBound == 0 ? first : nil)
        guard parts.count > 1 else {
            headers[named: "Content-Type"] = type
            headers[named: "Content-Range"] = contentRange(start)
            let body = stream.body(of: [.bytes(start)], first: first)
            return Response(status: .partialContent, headers: headers, body: body)
        }
        // The hash of the content cannot occur within the content.
        let boundary = "roost-\(file.contentHash.prefix(40))"
        headers[named: "Content-Type"] = "multipart/byteranges; boundary=\(boundary)"
        let body = stream.body(
            of: multipart(parts, type: type, boundary: boundary),
            first: first
        )
        return Response(status: .partialContent, headers: headers, body: body)
    }

    private func multipart(_ parts: [Range<Int64>], type: String, boundary: String) -> [ContentStream.Segment] {
        let middle = parts.flatMap { part -> [ContentStream.Segment] in
            let head = "\r\n--\(boundary)\r\nContent-Type: \(type)\r\nContent-Range: \(contentRange(part))\r\n\r\n"
            return [.text(head), .bytes(part)]
        }
        return middle + [.text("\r\n--\(boundary)--\r\n")]
    }

    private func contentRange(_ range: Range<Int64>) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.length)"
    }

    /// The first chunk is here before the status is sent: "looking for peers" can still be said then.
    private func firstBytes(of range: Range<Int64>) async throws -> [UInt8] {
        guard request.method == .get, !range.isEmpty else { return [] }
        return try await stream.read(from: range.lowerBound, count: range.upperBound - range.lowerBound)
    }

    private func type(first: [UInt8]?) async throws -> String {
        let name = file.path.last ?? ""
        guard ContentType.needsPrefix(name: name), file.length > 0 else {
            return ContentType.of(name: name, prefix: [])
        }
        if let first, !first.isEmpty { return ContentType.of(name: name, prefix: first) }
        let prefix = try await stream.read(from: 0, count: min(file.length, Int64(ContentType.prefixLength)))
        return ContentType.of(name: name, prefix: prefix)
    }
}

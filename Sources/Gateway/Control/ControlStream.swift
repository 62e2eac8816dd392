// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Node

/// The answer of a long call: a line of JSON for each progress, and a last one with the result or the error.
///
/// Progress that a slow reader does not take is dropped, the newest is kept. A caller that leaves cancels the call.
struct ControlStream<Result: Codable & Sendable>: Sendable {
    typealias Operation = @Sendable (@escaping NodeControl.Report) async throws(NodeError) -> Result

    let operation: Operation

    func response(to request: Request) -> Response {
        var headers: HTTPFields = [:]
        headers[named: "Content-Type"] = "application/x-ndjson"
        // The connection was read to its end to see the caller leave, so nothing more can come on it.
        headers[named: "Connection"] = "close"
        let body = request.body
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                try await send(to: &writer, watching: body)
                try await writer.finish(nil)
            }
        )
    }

    @concurrent
    private func send(to writer: inout any ResponseBodyWriter, watching body: RequestBody) async throws {
        var moving = writer
        try await body.consumeWithCancellationOnInboundClose { _ in
            let (lines, sink) = AsyncStream.makeStream(
                of: ControlLine<Result>.self,
                bufferingPolicy: .bufferingNewest(16)
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    sink.yield(await outcome { sink.yield(ControlLine(progress: $0)) })
                    sink.finish()
                }
                for await line in lines {
                    try await moving.write(ByteBuffer(bytes: try ControlAnswer.encode(line) + [UInt8(ascii: "\n")]))
                }
                try await group.waitForAll()
            }
        }
        writer = moving
    }

    private func outcome(_ report: @escaping NodeControl.Report) async -> ControlLine<Result> {
        do throws(NodeError) {
            return ControlLine(result: try await operation(report))
        } catch {
            return ControlLine(error: error)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Node

/// The answer of a long call: a line of JSON for each progress, and a last one with the result or the error.
///
/// Progress that a slow reader does not take is dropped, the newest is kept. A caller that leaves cancels the call.
struct ControlStream<Result: Codable & Sendable>: Sendable {
    typealias Operation = @Sendable (@escaping NodeControl.Report) async throws(NodeError) -> Result

    let client: Client
    let operation: Operation

    func response() -> Response {
        var headers: HTTPFields = [:]
        headers[named: "Content-Type"] = "application/x-ndjson"
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                try await send(to: &writer)
                try await writer.finish(nil)
            }
        )
    }

    @concurrent
    private func send(to writer: inout any ResponseBodyWriter) async throws {
        let (lines, sink) = AsyncStream.makeStream(
            of: ControlLine<Result>.self,
            bufferingPolicy: .bufferingNewest(16)
        )
        let departure = await client.departure()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                sink.yield(await outcome { sink.yield(ControlLine(progress: $0)) })
                sink.finish()
            }
            group.addTask {
                await departure.wait()
                sink.finish()
            }
            for await line in lines {
                let bytes = try ControlAnswer.encode(line) + [UInt8(ascii: "\n")]
                try await writer.write(ByteBuffer(bytes: bytes))
            }
        }
    }

    private func outcome(_ report: @escaping NodeControl.Report) async -> ControlLine<Result> {
        do throws(NodeError) {
            return ControlLine(result: try await operation(report))
        } catch {
            return ControlLine(error: error)
        }
    }
}

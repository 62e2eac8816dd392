// SPDX-License-Identifier: Apache-2.0
internal import Hummingbird
internal import NIOCore
internal import Node

/// The body of an answer: verified bytes of one file as they arrive, pulled at the pace of whoever reads.
///
/// Holds one chunk at a time. A file whose next bytes do not come in ``patience`` ends the connection, which a client
/// tells from the missing rest of `Content-Length`. A client that leaves ends the fetch that was begun for it.
struct ContentStream: Sendable {
    enum Segment: Sendable {
        /// What stands between the parts of a multipart body.
        case text(String)
        case bytes(Range<Int64>)

        var length: Int64 {
            switch self {
            case .text(let text): Int64(text.utf8.count)
            case .bytes(let range): range.upperBound - range.lowerBound
            }
        }
    }

    static let chunk = 128 * 1024

    let reader: any ReleaseReading
    let file: ReleaseFile
    let release: ReleaseReference
    let mayUseNetwork: Bool
    let patience: Duration
    let client: Client

    /// Reads what is here, or what peers send within ``patience``. Between one byte and `count`.
    func read(from offset: Int64, count: Int64) async throws -> [UInt8] {
        if let local = try await readLocal(from: offset, count: count) { return local }
        return try await readRemote(from: offset, count: count)
    }

    /// Nil where the bytes are not here yet.
    private func readLocal(from offset: Int64, count: Int64) async throws(NodeError) -> [UInt8]? {
        do {
            return try await reader.read(
                file,
                in: release,
                from: offset,
                count: Int(min(count, Int64(Self.chunk))),
                mayUseNetwork: false
            )
        } catch  where error.kind == .unavailable && mayUseNetwork {
            return nil
        }
    }

    private func readRemote(from offset: Int64, count: Int64) async throws -> [UInt8] {
        let size = Int(min(count, Int64(Self.chunk)))
        let bytes = try await Deadline.within(patience, of: client) {
            try await reader.read(file, in: release, from: offset, count: size, mayUseNetwork: true)
        }
        guard let bytes else {
            throw NodeError(.unavailable, "no peer sent the next bytes in time", remedy: "Try again later.")
        }
        return bytes
    }

    /// Sends `segments` in order, `first` being bytes already read from the start of the first range.
    func body(of segments: [Segment], first: [UInt8]) -> ResponseBody {
        let total = segments.reduce(Int64(0)) { $0 + $1.length }
        return ResponseBody(contentLength: Int(total)) { writer in
            try await send(Cursor(segments: segments, first: first), to: &writer)
            try await writer.finish(nil)
        }
    }

    @concurrent
    private func send(_ start: Cursor, to writer: inout any ResponseBodyWriter) async throws {
        var cursor = start
        while let piece = cursor.next {
            let bytes: [UInt8]
            switch piece {
            case .ready(let ready): bytes = ready
            case .missing(let range):
                let count = range.upperBound - range.lowerBound
                bytes = try await read(from: range.lowerBound, count: count)
                // A read that returns nothing would turn this loop for ever.
                guard !bytes.isEmpty, bytes.count <= Int(count) else { throw Self.brokenRead }
            }
            try await writer.write(ByteBuffer(bytes: bytes))
            cursor.advance(by: bytes.count)
        }
    }

    private static let brokenRead = NodeError(.internal, "a read gave no bytes", remedy: "Report it with the log.")
}

extension ContentStream {
    /// Where in the segments the sending is.
    struct Cursor: Sendable {
        enum Piece {
            case ready([UInt8])
            case missing(Range<Int64>)
        }

        private var segments: ArraySlice<Segment>
        private var first: [UInt8]
        private var done: Int64 = 0

        init(segments: [Segment], first: [UInt8]) {
            self.segments = segments.filter { $0.length > 0 }[...]
            self.first = first
        }

        var next: Piece? {
            switch segments.first {
            case nil: nil
            case .text(let text): .ready(Array(text.utf8))
            case .bytes(let range):
                first.isEmpty ? .missing(range.lowerBound + done..<range.upperBound) : .ready(first)
            }
        }

        mutating func advance(by count: Int) {
            guard let segment = segments.first else { return }
            if case .bytes = segment { first = [] }
            done += Int64(count)
            guard done >= segment.length else { return }
            segments = segments.dropFirst()
            done = 0
        }
    }
}

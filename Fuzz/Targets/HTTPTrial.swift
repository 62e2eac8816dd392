// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOEmbedded
internal import NIOHTTP1
internal import Wire

@testable internal import Transport

/// What a server answers to three requests, through the pipeline that trackers and web seeds are asked by.
final class HTTPTrial: HTTPConnectionUser {
    private var begun = 0
    private var ended = 0
    private var closings = 0
    private var longest = 0
    private var events: [String] = []
    /// Why the connection ended.
    private(set) var failure: HTTPError?

    /// A bound for heads that a fuzzer reaches; the usual one, of 32 KiB, would make all inputs long.
    static let shortHead = 160

    func began(_ head: HTTPHead, from connection: HTTPConnection) {
        begun += 1
        longest = max(longest, head.location?.utf8.count ?? 0)
        events.append("head \(head.status) \(head.contentLength ?? -1) \(head.location ?? "")")
    }

    func received(_ body: ByteBuffer, from connection: HTTPConnection) {
        let bytes = Hex.encode(body.readableBytesView)
        if events.last?.hasPrefix("body ") == true {
            events[events.count - 1] += bytes
        } else {
            events.append("body " + bytes)
        }
    }

    func ended(_ connection: HTTPConnection) {
        ended += 1
        events.append("end")
    }

    func closed(_ connection: HTTPConnection, _ error: HTTPError) {
        closings += 1
        failure = error
    }

    /// The first byte says in portions of how many bytes the rest comes, and from 128 on that only short heads are taken.
    static func run(_ bytes: [UInt8]) throws {
        let choice = Int(bytes.first ?? 1)
        let stream = Array(bytes.dropFirst())
        let isShort = choice >= 128
        let whole = try trial(stream, portion: max(1, stream.count), isShort: isShort)
        let parts = try trial(stream, portion: max(1, choice % 128), isShort: isShort)
        // After an error the parser is free to have understood more or less of what stood before it.
        guard whole.closings == 0, parts.closings == 0 else { return }
        try hold(whole.events == parts.events, "an answer does not depend on how its bytes come")
    }

    static func trial(_ stream: [UInt8], portion: Int, isShort: Bool) throws -> HTTPTrial {
        var configuration = HTTPConfiguration()
        if isShort { configuration.maximumHeadBytes = shortHead }
        let trial = HTTPTrial()
        guard let origin = ServiceURL("http://seed.example/"), let remote = Endpoint("192.0.2.1:80") else {
            return trial
        }
        let channel = EmbeddedChannel()
        let connection = HTTPConnection(remote: remote, origin: origin, configuration: configuration)
        connection.user = trial
        try channel.pipeline.syncOperations.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
        try channel.pipeline.syncOperations.addHandler(connection)
        for _ in 0..<3 { connection.get(origin) }
        var start = 0
        while start < stream.count {
            let part = stream[start..<min(start + portion, stream.count)]
            start += part.count
            _ = try? channel.writeInbound(ByteBuffer(bytes: part))
        }
        let closings = trial.closings
        _ = try? channel.finish(acceptAlreadyClosed: true)
        try hold(trial.begun <= 3 && trial.ended <= trial.begun, "no more is answered than was asked")
        try hold(trial.longest <= configuration.maximumHeadBytes, "a head is within its bound")
        try hold(trial.closings == 1, "a connection ends once: \(trial.closings)")
        trial.closings = closings
        return trial
    }
}

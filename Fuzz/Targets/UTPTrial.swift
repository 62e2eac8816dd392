// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

/// Two uTP ends and a path that the input directs: what arrives, when, how often, and with which bytes changed.
///
/// Whatever the path does, a stream delivers a prefix of what was written, as long as no byte of its own was forged.
final class UTPTrial {
    private final class End {
        var multiplexer: UTPMultiplexer
        let endpoint: Endpoint
        var outgoing: [UTPConnectionID: [UInt8]] = [:]
        var incoming: [UTPConnectionID: [UInt8]] = [:]
        var held: [UTPConnectionID: [UInt16: [UInt8]]] = [:]
        var open: [UTPConnectionID] = []
        var output = UTPOutput()

        init(_ number: UInt32, seed: UInt64) {
            endpoint = Endpoint(.v4(0x0A00_0000 + number), port: 6881)
            multiplexer = UTPMultiplexer(seed: seed)
        }
    }

    private let left = End(1, seed: 11)
    private let right = End(2, seed: 12)
    private var now: Int64 = 1_000_000
    private var wire: [(to: Bool, bytes: [UInt8])] = []
    private var isForged = false
    private var written: UInt8 = 0

    private var instant: UTPInstant { UTPInstant(microseconds: now) }

    static func run(_ bytes: [UInt8]) throws {
        var input = FuzzInput(bytes)
        let trial = UTPTrial()
        if let id = trial.left.multiplexer.connect(to: trial.right.endpoint, now: trial.instant) {
            trial.left.open.append(id)
        }
        for _ in 0..<200 where !input.isAtEnd { try trial.step(&input) }
    }

    private func step(_ input: inout FuzzInput) throws {
        let kind = input.byte()
        let end = kind & 0x80 == 0 ? left : right
        switch kind % 9 {
        case 0: flush()
        case 1, 2, 3: try deliver(Int(kind >> 4), &input, edits: 0)
        case 4: try deliver(Int(kind >> 4), &input, edits: 1 + input.choice(3))
        case 5: write(end, count: Int(input.short()) % 6000)
        case 6:
            now += Int64(input.short()) * 100
            flush()
        case 7: try receive(input.chunk(), at: end, forged: true)
        default: close(end, &input)
        }
        try check()
    }

    private func write(_ end: End, count: Int) {
        guard let id = end.open.first else { return }
        let start = end.outgoing[id]?.count ?? 0
        end.outgoing[id, default: []] += (start..<start + count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        end.multiplexer.write(id, count: count)
    }

    private func close(_ end: End, _ input: inout FuzzInput) {
        guard let id = end.open.first else { return }
        if input.byte() & 1 == 0 {
            end.multiplexer.close(id, reason: input.short(), now: instant)
        } else {
            end.multiplexer.abort(id, now: instant, into: &end.output)
        }
        flush()
    }

    private func deliver(_ place: Int, _ input: inout FuzzInput, edits: Int) throws {
        guard !wire.isEmpty else { return flush() }
        let index = place % wire.count
        var packet = wire[index]
        // The first of a row is taken off the wire; others stay to come twice.
        if place < 4 { wire.remove(at: index) }
        for _ in 0..<edits where !packet.bytes.isEmpty {
            packet.bytes[Int(input.byte()) % packet.bytes.count] ^= input.byte()
        }
        try receive(packet.bytes, at: packet.to ? right : left, forged: edits > 0)
        flush()
    }

    private func receive(_ bytes: [UInt8], at end: End, forged: Bool) throws {
        isForged = isForged || forged
        let source = end === left ? right.endpoint : left.endpoint
        end.multiplexer.receive(bytes.span, from: source, now: instant, into: &end.output)
        for event in end.output.events { try take(event, end, bytes) }
        end.output.events.removeAll()
    }

    private func take(_ event: UTPEvent, _ end: End, _ bytes: [UInt8]) throws {
        switch event {
        case .accepted(let id, _): end.open.append(id)
        case .received(let id, let range):
            try hold(range.lowerBound >= 20 && range.upperBound <= bytes.count, "payload lies in its packet")
            end.incoming[id, default: []] += bytes[range]
        case .held(let id, let key, let range):
            try hold(range.lowerBound >= 20 && range.upperBound <= bytes.count, "payload lies in its packet")
            end.held[id, default: [:]][key] = Array(bytes[range])
        case .released(let id, let first, let count):
            for offset in 0..<count {
                guard let part = end.held[id]?.removeValue(forKey: first &+ UInt16(truncatingIfNeeded: offset)) else {
                    throw Broken(description: "what is released was held")
                }
                end.incoming[id, default: []] += part
            }
        case .ended(let id, _): end.open.removeAll { $0 == id }
        default: break
        }
    }

    private func flush() {
        for end in [left, right] {
            end.multiplexer.tick(now: instant, into: &end.output)
            end.multiplexer.flush(now: instant, into: &end.output)
            for reply in end.output.replies { post(reply.bytes, from: end) }
            for packet in end.output.packets {
                var bytes = Array(end.output.headers[packet.header])
                let stream = end.outgoing[packet.connection] ?? []
                bytes += stream[Int(packet.offset)..<Int(packet.offset) + packet.count]
                post(bytes, from: end)
            }
            for case .ended(let id, _) in end.output.events { end.open.removeAll { $0 == id } }
            end.output.removeAll()
        }
    }

    private func post(_ bytes: [UInt8], from end: End) {
        wire.append((end === left, bytes))
        if wire.count > 64 { wire.removeFirst() }
    }

    private func check() throws {
        guard !isForged else { return }
        for (from, to) in [(left, right), (right, left)] {
            for bytes in to.incoming.values {
                let isPrefix = from.outgoing.values.contains { $0.starts(with: bytes) }
                try hold(isPrefix, "what arrives is what was written, in order")
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Kademlia
internal import Keys
internal import Transport
internal import Wire

/// Drives a DHT node by JSON lines: a command a line in, an event a line out, many commands at once.
///
/// Byte strings are hex. Values of items are the content of a bencoded string; one that is of another kind is given in
/// its bencoding.
struct DHTEventLines {
    struct Command: Decodable, Sendable {
        var op: String
        var id: Int
        var info_hash: String?
        var port: UInt16?
        var seed: String?
        var key: String?
        var salt: String?
        var value: String?
        var target: String?
        var lookups: Int?
    }

    struct Event: Encodable, Sendable {
        var event: String
        var id: Int?
        var nodes: [String]?
        var version: String?
        var peers: Int?
        var stored: Int?
        var key: String?
        var target: String?
        var seq: Int64?
        var value: String?
        var holders: Int?
        var hops: Int?
        var seeds: Double?
        var downloaders: Double?
        var sources: Int?
        var samples: [String]?
        var error: String?
    }

    /// Why a command line cannot be carried out.
    struct BadCommand: Error {
        var reason: String
    }

    let service: DHTService

    func run() async {
        let nodes = service.localEndpoints.map { $0.description }
        say(Event(event: "ready", nodes: nodes, version: Version.text))
        let input = StandardInputLines()
        await withTaskGroup(of: Void.self) { group in
            for await line in input.lines {
                group.addTask {
                    await perform(line)
                    input.taken()
                }
            }
            group.cancelAll()
        }
    }

    private func say(_ event: Event) { Output.line(Output.json(event)) }

    private func perform(_ line: String) async {
        guard let command = try? JSONDecoder().decode(Command.self, from: Data(line.utf8)) else {
            return say(Event(event: "error", error: "not a command: \(line.prefix(80))"))
        }
        do {
            say(try await result(of: command))
        } catch let error as BadCommand {
            say(Event(event: "error", id: command.id, error: error.reason))
        } catch {
            say(Event(event: "error", id: command.id, error: "\(error)"))
        }
    }

    private func result(of command: Command) async throws -> Event {
        switch command.op {
        case "announce":
            let infoHash = try digest(command.info_hash, "info_hash")
            let report = try await service.announce(infoHash, port: command.port)
            return Event(event: "result", id: command.id, stored: report.stored)
        case "get_peers": return try await peers(command)
        case "find": return try await find(command)
        case "put": return try await put(command)
        case "get": return try await get(command)
        case "put_immutable": return try await putImmutable(command)
        case "get_immutable":
            let value = try await service.immutable(digest(command.target, "target"))?.value
            return Event(event: "result", id: command.id, value: value.map { content($0) } ?? "")
        case "warm": return try await warm(command)
        case "scrape": return try await scrape(command)
        case "sample": return try await sample(command)
        case "zone":
            let addresses = try await service.zoneRecords().flatMap { $0.endpoints.map { "\($0)" } }
            return Event(event: "result", id: command.id, nodes: addresses)
        case let other: throw BadCommand(reason: "unknown op \(other)")
        }
    }

    /// Ends at the first answer that has peers, as the contract says.
    private func peers(_ command: Command) async throws -> Event {
        for await peers in service.peers(for: try digest(command.info_hash, "info_hash")) {
            return Event(event: "result", id: command.id, peers: peers.count)
        }
        return Event(event: "result", id: command.id, peers: 0)
    }

    private func find(_ command: Command) async throws -> Event {
        let report = try await service.findNode(digest(command.target, "target"))
        let nodes = report.closest.map { "\($0.id)@\($0.endpoint)" }
        return Event(event: "result", id: command.id, nodes: nodes, hops: report.hops)
    }

    private func put(_ command: Command) async throws -> Event {
        guard let key = SigningKey(seed: try bytes(command.seed, "seed")) else {
            throw BadCommand(reason: "seed is not 32 bytes")
        }
        let (item, report) = try await service.update(
            with: key,
            salt: bytes(command.salt ?? "", "salt"),
            value: BencodeValue.bytes(bytes(command.value, "value")).encoded
        )
        return Event(
            event: "result",
            id: command.id,
            stored: report.stored,
            key: item.key.hex,
            target: item.target.hex,
            seq: item.sequence
        )
    }

    private func get(_ command: Command) async throws -> Event {
        guard let key = PublicKey(hex: command.key ?? "") else { throw BadCommand(reason: "key is not 32 bytes") }
        let report = try await service.mutable(key, salt: bytes(command.salt ?? "", "salt")) { item in
            say(Event(event: "first", id: command.id, seq: item.sequence, value: content(item.value)))
        }
        return Event(
            event: "result",
            id: command.id,
            seq: report.item?.sequence,
            value: report.item.map { content($0.value) } ?? "",
            holders: report.holders
        )
    }

    private func putImmutable(_ command: Command) async throws -> Event {
        let item = try ImmutableItem(value: BencodeValue.bytes(bytes(command.value, "value")).encoded)
        let report = try await service.publish(.immutable(item), keep: .own)
        return Event(event: "result", id: command.id, stored: report.stored, target: item.target.hex)
    }

    private func warm(_ command: Command) async throws -> Event {
        for _ in 0..<min(command.lookups ?? 4, 1000) {
            var generator = SystemRandomNumberGenerator()
            _ = try await service.findNode(.random(using: &generator))
        }
        return Event(event: "result", id: command.id)
    }

    private func scrape(_ command: Command) async throws -> Event {
        let report = try await service.scrape(digest(command.info_hash, "info_hash"))
        return Event(
            event: "result",
            id: command.id,
            seeds: report.seeds,
            downloaders: report.downloaders,
            sources: report.sources
        )
    }

    private func sample(_ command: Command) async throws -> Event {
        let report = try await service.sampleInfohashes(near: digest(command.target, "target"))
        let samples = report.infoHashes.map { $0.hex }
        return Event(event: "result", id: command.id, sources: report.sources, samples: samples)
    }

    // MARK: - Fields

    private func digest(_ hex: String?, _ name: String) throws(BadCommand) -> Digest160 {
        guard let digest = Digest160(hex: hex ?? "") else { throw BadCommand(reason: "\(name) is not 20 bytes") }
        return digest
    }

    private func bytes(_ hex: String?, _ name: String) throws(BadCommand) -> [UInt8] {
        guard let bytes = hex.flatMap({ Hex.decode($0) }) else { throw BadCommand(reason: "\(name) is no hex") }
        return bytes
    }

    private func content(_ value: [UInt8]) -> String {
        let node = try? Bencode.parse(value, mode: .tolerant, limits: .datagram)
        return Hex.encode(node?.bytes.map { Array($0) } ?? value)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Reads the fields of a received message, each checked for its kind and bounds.
struct SiteMessageReader {
    let node: BencodeNode

    func integer(_ key: String, in range: ClosedRange<Int64>) throws(SiteMessageError) -> Int64 {
        guard let field = node[key] else { throw .missing(field: key) }
        guard let value = field.integer, range.contains(value) else { throw .invalid(field: key) }
        return value
    }

    func count(_ key: String, upTo limit: Int) throws(SiteMessageError) -> Int {
        Int(try integer(key, in: 0...Int64(limit)))
    }

    func bytes(_ key: String, limit: Int) throws(SiteMessageError) -> [UInt8] {
        guard let field = node[key] else { throw .missing(field: key) }
        guard let bytes = field.bytes, bytes.count <= limit else { throw .invalid(field: key) }
        return Array(bytes)
    }

    func fixed<Value: FixedBytes>(_ key: String) throws(SiteMessageError) -> Value {
        guard let field = node[key] else { throw .missing(field: key) }
        guard let value = field.fixed(Value.self) else { throw .invalid(field: key) }
        return value
    }

    func list(_ key: String, limit: Int) throws(SiteMessageError) -> [BencodeNode] {
        guard let field = node[key] else { throw .missing(field: key) }
        guard let list = field.list, list.count <= limit else { throw .invalid(field: key) }
        return list
    }

    func id() throws(SiteMessageError) -> UInt32 { UInt32(try integer("i", in: 0...Int64(UInt32.max))) }

    /// Nil where `kind` is no request.
    func query(_ kind: SiteMessage.Kind) throws(SiteMessageError) -> SiteQuery? {
        let entries = FeedSpecification.entries
        switch kind {
        case .getKey: return .key
        case .getHead: return .head
        case .getEntries:
            return .entries(
                from: try count("f", upTo: entries),
                offset: try count("o", upTo: FeedSpecification.entryBytes + 4)
            )
        case .getNode: return .node(try fixed("h"), offset: try count("o", upTo: DirectoryNode.maximumBytes))
        case .getPath: return .path(node: try fixed("h"), path: try path())
        case .getConsistency:
            return .consistency(old: try count("a", upTo: entries), new: try count("b", upTo: entries))
        case .getInclusion: return .inclusion(index: try count("a", upTo: entries), size: try count("b", upTo: entries))
        case .getFront: return .front(path: try path())
        default: return nil
        }
    }

    func answer(_ kind: SiteMessage.Kind) throws(SiteMessageError) -> SiteAnswer {
        switch kind {
        case .key: return .key(try fixed("k"))
        case .head: return .head(try bytes("h", limit: FeedSpecification.headBytes), holds: try holds())
        case .entries:
            return .entries(
                from: try count("f", upTo: FeedSpecification.entries),
                offset: try count("o", upTo: FeedSpecification.entryBytes + 4),
                try bytes("d", limit: SiteExchangeSpecification.messageBytes)
            )
        case .node:
            return .node(
                try fixed("h"),
                total: try count("n", upTo: DirectoryNode.maximumBytes),
                offset: try count("o", upTo: DirectoryNode.maximumBytes),
                try bytes("d", limit: SiteExchangeSpecification.messageBytes)
            )
        case .nodes: return .nodes(try nodes())
        default: return .proof(try proof())
        }
    }

    private func path() throws(SiteMessageError) -> [String] {
        var path: [String] = []
        for element in try list("p", limit: DirectoryPath.maximumDepth) {
            guard let name = element.string else { throw .invalid(field: "p") }
            path.append(name)
        }
        guard (try? DirectoryPath.check(path)) != nil else { throw .invalid(field: "p") }
        return path
    }

    private func holds() throws(SiteMessageError) -> [Int64] {
        var holds: [Int64] = []
        for element in try list("s", limit: SiteExchangeSpecification.heldReleases) {
            guard let seq = element.integer, seq > 0 else { throw .invalid(field: "s") }
            holds.append(seq)
        }
        return holds
    }

    private func nodes() throws(SiteMessageError) -> [[UInt8]] {
        var nodes: [[UInt8]] = []
        for element in try list("n", limit: 1024) {
            guard let bytes = element.bytes else { throw .invalid(field: "n") }
            nodes.append(Array(bytes))
        }
        return nodes
    }

    private func proof() throws(SiteMessageError) -> [Digest256] {
        let bytes = try bytes("p", limit: SiteExchangeSpecification.proofDigests * Digest256.byteCount)
        guard bytes.count.isMultiple(of: Digest256.byteCount) else { throw .invalid(field: "p") }
        return stride(from: 0, to: bytes.count, by: Digest256.byteCount).compactMap {
            Digest256(bytes[$0..<$0 + Digest256.byteCount])
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What a reader wants of one peer beside its feed.
public enum SiteCommand: Equatable, Sendable {
    /// One directory node.
    case node(Digest256)
    /// The nodes from `node` on that lead along `path`, as many as the peer sends; at least that node.
    case path(node: Digest256, path: [String])
    case consistency(old: Int, new: Int)
    case inclusion(index: Int, size: Int)

    var query: SiteQuery {
        switch self {
        case .node(let hash): .node(hash, offset: 0)
        case .path(let node, let path): .path(node: node, path: path)
        case .consistency(let old, let new): .consistency(old: old, new: new)
        case .inclusion(let index, let size): .inclusion(index: index, size: size)
        }
    }
}

/// A command that has been sent: puts the parts together and checks them.
struct OpenCommand: Sendable {
    enum Output {
        case ask(SiteQuery)
        case result(SiteResult)
    }

    let id: UInt64
    let command: SiteCommand
    /// How often the peer said that it is busy.
    var refusals = 0
    private var received: [UInt8] = []

    /// What is to be asked now: the next part, where some have come.
    var query: SiteQuery {
        if case .node(let hash) = command { return .node(hash, offset: received.count) }
        return command.query
    }

    init(id: UInt64, command: SiteCommand) {
        self.id = id
        self.command = command
    }

    mutating func receive(_ answer: SiteAnswer) -> Output {
        switch (command, answer) {
        case (.node(let hash), .node(let other, let total, let offset, let bytes)):
            guard hash == other, offset == received.count, !bytes.isEmpty, offset + bytes.count <= total else {
                return .result(.wrongAnswer)
            }
            received += bytes
            guard received.count == total else { return .ask(.node(hash, offset: received.count)) }
            guard (try? DirectoryNode.parse(received, hash: hash)) != nil else { return .result(.wrongAnswer) }
            return .result(.nodes([SiteResult.DirectoryBytes(hash: hash, bytes: received)]))
        case (.path(let node, let path), .nodes(let nodes)): return .result(Self.check(nodes, from: node, along: path))
        case (.consistency, .proof(let digests)), (.inclusion, .proof(let digests)): return .result(.proof(digests))
        default: return .result(.wrongAnswer)
        }
    }

    static func check(_ nodes: [[UInt8]], from node: Digest256, along path: [String]) -> SiteResult {
        var lookup = DirectoryLookup(folder: node, path: path)
        var checked: [SiteResult.DirectoryBytes] = []
        for bytes in nodes {
            guard case .needs(let hash) = lookup.step, (try? lookup.receive(bytes)) != nil else { return .wrongAnswer }
            checked.append(SiteResult.DirectoryBytes(hash: hash, bytes: bytes))
        }
        return checked.isEmpty ? .wrongAnswer : .nodes(checked)
    }
}

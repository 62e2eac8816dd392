// SPDX-License-Identifier: Apache-2.0
import BitTorrent
import TestSupport
import Wire

/// Peers and the streams between them; bytes arrive in portions that a seed decides.
final class SimulatedNetwork {
    private struct Link {
        var left: SimulatedPeer
        var leftID: ConnectionID
        var right: SimulatedPeer
        var rightID: ConnectionID?
        var toRight: [UInt8] = []
        var toLeft: [UInt8] = []
        var isClosed = false
    }

    private var peers: [SimulatedPeer]
    private var links: [Link] = []
    private var random: SplitMix64
    private(set) var now = Duration.zero
    /// The longest portion.
    var portion = 70_000
    /// Streams from this peer stand still.
    var silent: Set<Endpoint> = []
    /// Bytes that leave a peer in one round, shared by its streams; without an entry all that there are.
    var lines: [Endpoint: Int] = [:]
    /// Bytes that have left the peers that have such a line.
    private(set) var sent: [Endpoint: Int] = [:]

    init(_ peers: [SimulatedPeer], seed: UInt64 = 1) {
        self.peers = peers
        random = SplitMix64(seed: seed)
    }

    /// Runs until `isDone`, at most `rounds` times; time goes on by `step` in each.
    func run(_ rounds: Int = 2000, step: Duration = .milliseconds(5), until isDone: () -> Bool) -> Bool {
        for _ in 0..<rounds {
            if isDone() { return true }
            now += step
            for peer in peers {
                peer.now = now
                peer.work()
                connect(peer)
            }
            for index in links.indices where !links[index].isClosed { carry(index) }
            closeLinks()
        }
        return isDone()
    }

    private func connect(_ peer: SimulatedPeer) {
        let dials = peer.dials
        peer.dials = []
        for (id, endpoint) in dials {
            guard let other = peers.first(where: { $0.address == endpoint }) else {
                peer.update { $0.closed(id, now: $1) }
                continue
            }
            links.append(Link(left: peer, leftID: id, right: other, rightID: nil))
            peer.update { $0.connected(id, now: $1) }
        }
    }

    private func carry(_ index: Int) {
        take(&links[index].toRight, links[index].left, links[index].leftID)
        if let id = links[index].rightID { take(&links[index].toLeft, links[index].right, id) }
        deliverRight(index)
        deliverLeft(index)
    }

    private func take(_ stream: inout [UInt8], _ peer: SimulatedPeer, _ id: ConnectionID) {
        guard let bytes = peer.outgoing.removeValue(forKey: id), !silent.contains(peer.address) else { return }
        guard let line = lines[peer.address] else {
            stream += bytes
            return peer.sent(bytes.count, on: id)
        }
        let count = min(bytes.count, line / max(1, peer.outgoing.count + 1))
        sent[peer.address, default: 0] += count
        stream += bytes.prefix(count)
        if count < bytes.count { peer.outgoing[id] = Array(bytes.dropFirst(count)) }
        peer.sent(count, on: id)
    }

    private func nextPortion(_ stream: inout [UInt8]) -> [UInt8] {
        let count = min(stream.count, Int.random(in: 1...portion, using: &random))
        defer { stream.removeFirst(count) }
        return Array(stream.prefix(count))
    }

    private func deliverRight(_ index: Int) {
        let right = links[index].right
        if let id = links[index].rightID {
            let bytes = nextPortion(&links[index].toRight)
            if !bytes.isEmpty { right.receive(bytes, on: id) }
        } else if links[index].toRight.count >= Handshake.prefixByteCount {
            let bytes = links[index].toRight
            links[index].toRight = []
            links[index].rightID = right.accept(bytes, from: links[index].left.address)
            if links[index].rightID == nil { close(index) }
        }
    }

    private func deliverLeft(_ index: Int) {
        let bytes = nextPortion(&links[index].toLeft)
        if !bytes.isEmpty { links[index].left.receive(bytes, on: links[index].leftID) }
    }

    private func close(_ index: Int) {
        guard !links[index].isClosed else { return }
        links[index].isClosed = true
        let link = links[index]
        link.left.update { $0.closed(link.leftID, now: $1) }
        if let id = link.rightID { link.right.update { $0.closed(id, now: $1) } }
    }

    private func closeLinks() {
        for peer in peers {
            let closed = peer.closed
            peer.closed = []
            for id in closed {
                let index = links.firstIndex { link in
                    (link.left === peer && link.leftID == id) || (link.right === peer && link.rightID == id)
                }
                if let index { close(index) }
            }
        }
    }
}

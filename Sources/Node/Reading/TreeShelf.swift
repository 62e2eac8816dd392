// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Synchronization
internal import Wire

/// A tree that an item of the DHT or a link names, without a feed.
struct BareTree: Hashable, Sendable {
    /// What the gateway calls it.
    var id: Digest256
    var v1: Digest160?
    var v2: Digest256?
    /// Of the item that named it; 0 for a link to the tree itself.
    var sequence: Int64
}

/// The bare trees that were opened, by what the gateway calls them.
///
/// Thread-safe. Memory: 100 bytes a tree, at most ``capacity``; the lists of files of the last ``listed``.
final class TreeShelf: Sendable {
    static let capacity = 4096
    static let listed = 16

    private struct State {
        var trees: [Digest256: BareTree] = [:]
        /// The latest last.
        var open: [(tree: BareTree, files: OpenTree)] = []
    }

    private let state = Mutex(State())

    func keep(_ tree: BareTree) {
        state.withLock { state in
            if state.trees.count >= Self.capacity { state.trees.removeAll() }
            // An item with a lower number is an older one.
            if let known = state.trees[tree.id], known.sequence > tree.sequence { return }
            state.trees[tree.id] = tree
        }
    }

    func keep(_ files: OpenTree, of tree: BareTree) {
        state.withLock { state in
            state.open.removeAll { $0.tree == tree }
            if state.open.count >= Self.listed { state.open.removeFirst() }
            state.open.append((tree, files))
        }
    }

    /// More is known of the torrent now than its list of files has.
    func forget(_ hashes: InfoHashes) {
        state.withLock { state in state.open.removeAll { $0.files.metainfo.infoHashes == hashes } }
    }

    func tree(_ id: Digest256) -> BareTree? { state.withLock { $0.trees[id] } }

    func open(_ tree: BareTree) -> OpenTree? {
        state.withLock { state in state.open.first { $0.tree == tree }?.files }
    }
}

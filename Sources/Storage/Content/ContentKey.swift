// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The name of one file in the content store. A file of no bytes has none: it needs no storing.
public enum ContentKey: Hashable, Sendable {
    /// By its BEP 52 root: the same bytes are kept once, whichever torrents and releases hold them.
    case file(root: Digest256)
    /// A file of a torrent that is known by its v1 infohash alone, by its index there.
    case v1(torrent: Digest160, file: Int)

    /// The name beneath `partial/` and `quarantine/`.
    var name: String {
        switch self {
        case .file(let root): root.hex
        case .v1(let torrent, let file): "\(torrent.hex)-\(file)"
        }
    }

    /// The folder beneath `content/`.
    var folder: String {
        switch self {
        case .file(let root): String(root.hex.prefix(2))
        case .v1(let torrent, _): "v1-" + torrent.hex
        }
    }

    /// The reverse of ``name``; nil for what the store has not named.
    init?(name: String) {
        if let root = Digest256(hex: name) {
            self = .file(root: root)
            return
        }
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let torrent = Digest160(hex: parts[0]), let file = Int(parts[1]), file >= 0,
            String(file) == parts[1]
        else { return nil }
        self = .v1(torrent: torrent, file: file)
    }
}

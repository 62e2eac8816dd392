// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// What may be found on a disk after a crash.
public struct DiskImage: Sendable {
    /// Their paths, a folder before what is in it.
    public private(set) var folders: [String]
    private var versions: [(path: String, version: RecordedDisk.Version)]

    /// By path, with all their bytes.
    public var files: [(path: String, bytes: [UInt8])] { versions.map { ($0.path, $0.version.bytes) } }

    /// Which of what was not certain yet is there.
    public enum Chance: Sendable {
        /// All: the program was killed and the system went on.
        case all
        /// None: power failed, and the device had written nothing by itself.
        case none
        /// Names without the bytes, as where a file system delays these.
        case namesOnly
        /// Bytes without their names.
        case bytesOnly
        /// Any part, the last write of each file torn at a sector.
        case some(UInt64)
        /// All names, and of each file nothing, everything, what came first or any of its writes: long after it has said
        /// that they are synced.
        case lying(UInt64)
    }

    init(_ disk: RecordedDisk, _ chance: Chance) {
        var random: RandomStream?
        switch chance {
        case .some(let seed): random = RandomStream(seed: seed, "crash")
        case .lying(let seed): random = RandomStream(seed: seed, "lies")
        case .all, .none, .namesOnly, .bytesOnly: break
        }
        let names = Self.names(of: disk, chance, &random)
        var folders: [String] = []
        var versions: [(path: String, version: RecordedDisk.Version)] = []
        for (path, entry) in names.sorted(by: { $0.key < $1.key }) where Self.isReachable(path, names, below: disk.root)
        {
            switch entry {
            case .folder: folders.append(path)
            case .file(let index): versions.append((path, Self.version(of: disk.contents[index], chance, &random)))
            }
        }
        self.folders = folders
        self.versions = versions
    }

    private static func names(
        of disk: RecordedDisk,
        _ chance: Chance,
        _ random: inout RandomStream?
    ) -> [String: RecordedDisk.Entry] {
        switch chance {
        case .all, .namesOnly, .lying: return disk.names
        case .none, .bytesOnly: return disk.durableNames
        case .some: break
        }
        var names = disk.durableNames
        var stopped: Set<String> = []
        for pending in disk.pendingNames where !stopped.contains(pending.folder) {
            if random?.below(4) == 0 {
                stopped.insert(pending.folder)
            } else {
                RecordedDisk.apply(pending.naming, to: &names)
            }
        }
        return names
    }

    /// Whether every folder above it is there, up to the one where the record began.
    private static func isReachable(
        _ path: String,
        _ names: [String: RecordedDisk.Entry],
        below root: String
    ) -> Bool {
        let folder = RecordedDisk.folder(of: path)
        return folder == root || (names[folder] == .folder && isReachable(folder, names, below: root))
    }

    private static func version(
        of content: RecordedDisk.Content,
        _ chance: Chance,
        _ random: inout RandomStream?
    ) -> RecordedDisk.Version {
        switch chance {
        case .all, .bytesOnly: return content.current
        case .none, .namesOnly: return content.durable
        case .some:
            var version = content.durable
            for edit in content.pending {
                switch random?.below(6) {
                case 0: continue
                case 1:
                    version.apply(torn(edit, &random))
                    return version
                case 2: return version
                default: version.apply(edit)
                }
            }
            return version
        case .lying: return kept(content, &random)
        }
    }

    /// There may be hundreds of writes; with one chance to end at each of them only the first few would ever be there.
    private static func kept(_ content: RecordedDisk.Content, _ random: inout RandomStream?) -> RecordedDisk.Version {
        let kind = random?.below(4) ?? 0
        let first = random?.below(content.pending.count + 1) ?? 0
        var version = content.durable
        switch kind {
        case 0: break
        case 1: return content.current
        case 2:
            for edit in content.pending.prefix(first) { version.apply(edit) }
            if first < content.pending.count { version.apply(torn(content.pending[first], &random)) }
        default: for edit in content.pending where random?.below(2) == 0 { version.apply(edit) }
        }
        return version
    }

    private static func torn(_ edit: RecordedDisk.Edit, _ random: inout RandomStream?) -> RecordedDisk.Edit {
        guard case .write(let offset, let bytes) = edit, let sectors = random?.below(bytes.count / 512 + 1) else {
            return edit
        }
        return .write(offset: offset, Array(bytes.prefix(sectors * 512)))
    }

    /// Of names and bytes: equal images need one look.
    public var digest: Digest256 {
        var stream = SHA256Stream()
        for folder in folders { stream.update(Array("d\(folder)\n".utf8)) }
        for (path, version) in versions { stream.update(Array("f\(path) \(version.digest.hex)\n".utf8)) }
        return stream.finish()
    }
}

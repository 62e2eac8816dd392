// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc

/// Lists what of a folder belongs to its site, in the order of the torrent: by raw UTF-8 bytes, component by component.
///
/// Left out: empty folders, the version control folders of ``excludedNames``, the marker `.roost-site`, and what is no
/// file. A link that stays inside stands for the file or folder that it names; one that leaves or dangles is skipped
/// and named. Each name is looked at without following links, so a folder that is changed meanwhile cannot lead out.
struct FolderWalk {
    struct Entry: Equatable, Sendable {
        /// The components that the site gives it.
        var path: [String]
        /// Where its bytes are, from the folder, with no link on the way.
        var source: String
        var status: FileStatus
    }

    /// At any depth. The list is part of what makes one folder one infohash: it only changes with a new layout.
    static let excludedNames: Set<String> = [
        ".git", ".hg", ".svn", ".bzr", ".jj", ".pijul", SourceFolder.markerName, SourceFolder.markerName + ".new",
    ]

    private(set) var entries: [Entry] = []
    private(set) var skipped: [SkippedFile] = []

    private let root: OpenFile
    /// The folder's path with every link resolved.
    private let rootPath: [UInt8]
    private var totalLength: Int64 = 0
    /// Device and inode of the folders that lead to the one being listed.
    private var ancestors: [FileStatus] = []

    private init(root: OpenFile, rootPath: [UInt8]) {
        self.root = root
        self.rootPath = rootPath
    }

    /// Lists `folder`, in which the node's `home` must not lie.
    static func run(folder: OpenFile, home: String) throws(PublishError) -> FolderWalk {
        guard let rootPath = realPath(folder.path) else { throw .notAFolder(path: folder.path) }
        if let home = realPath(home), home == rootPath || home.starts(with: prefix(rootPath)) {
            throw .containsHome(path: folder.path)
        }
        var walk = FolderWalk(root: folder, rootPath: rootPath)
        try walk.list(path: [], source: ".")
        return walk
    }

    private mutating func list(path: [String], source: String) throws(PublishError) {
        guard path.count < TorrentSpecification.maximumPathDepth else {
            throw .tooDeep(path: path.joined(separator: "/"), limit: TorrentSpecification.maximumPathDepth)
        }
        guard let (names, status) = names(path: path, source: source) else { return }
        ancestors.append(status)
        defer { ancestors.removeLast() }
        for raw in names {
            guard let name = String(validating: raw, as: UTF8.self) else {
                skip(path + [String(decoding: raw, as: UTF8.self)], .nameNotUTF8)
                continue
            }
            if Self.excludedNames.contains(name) { continue }
            try visit(path: path + [name], source: source == "." ? name : "\(source)/\(name)")
        }
    }

    private mutating func names(path: [String], source: String) -> (names: [[UInt8]], status: FileStatus)? {
        do throws(StorageError) {
            let folder = try root.openBeneath(source, flags: O_RDONLY | O_DIRECTORY)
            return (try Disk.names(in: folder), try folder.status())
        } catch {
            skip(path, Self.reason(error))
            return nil
        }
    }

    private mutating func visit(path: [String], source: String) throws(PublishError) {
        guard let status = status(of: source) else {
            skip(path, .vanished)
            return
        }
        switch status.kind {
        case .file: try add(Entry(path: path, source: source, status: status))
        case .directory: try list(path: path, source: source)
        case .link: try follow(path: path, source: source)
        case .other: skip(path, .specialFile)
        }
    }

    private mutating func add(_ entry: Entry) throws(PublishError) {
        let bytes = entry.path.reduce(entry.path.count - 1) { $0 + $1.utf8.count }
        guard bytes <= TorrentSpecification.maximumPathBytes else {
            throw .pathTooLong(
                path: entry.path.joined(separator: "/"),
                limit: TorrentSpecification.maximumPathBytes
            )
        }
        guard entries.count < TorrentSpecification.maximumFiles else {
            throw .tooManyFiles(limit: TorrentSpecification.maximumFiles)
        }
        totalLength += min(entry.status.length, TorrentSpecification.maximumTotalLength)
        guard totalLength <= TorrentSpecification.maximumTotalLength else {
            throw .tooLarge(limit: TorrentSpecification.maximumTotalLength)
        }
        entries.append(entry)
    }

    // MARK: Links

    private mutating func follow(path: [String], source: String) throws(PublishError) {
        let target = linkTarget(of: source)
        guard let resolved = Self.realPath(String(decoding: rootPath, as: UTF8.self) + "/" + source) else {
            return skip(path, errno == ELOOP ? .linkLoops : .linkDangles(target: target))
        }
        guard resolved == rootPath || resolved.starts(with: Self.prefix(rootPath)) else {
            return skip(path, .linkLeavesFolder(target: target))
        }
        let inside = resolved.dropFirst(Self.prefix(rootPath).count)
        guard let inner = String(validating: inside, as: UTF8.self) else { return skip(path, .nameNotUTF8) }
        guard !inner.split(separator: "/").contains(where: { Self.excludedNames.contains(String($0)) }) else {
            return skip(path, .linkToExcluded)
        }
        let source = inner.isEmpty ? "." : inner
        guard let status = source == "." ? try? root.status() : status(of: source) else {
            return skip(path, .vanished)
        }
        switch status.kind {
        case .file: try add(Entry(path: path, source: source, status: status))
        case .directory:
            let leadsBack = ancestors.contains { $0.device == status.device && $0.inode == status.inode }
            if leadsBack { skip(path, .linkLoops) } else { try list(path: path, source: source) }
        case .link: skip(path, .vanished)
        case .other: skip(path, .specialFile)
        }
    }

    private func linkTarget(of source: String) -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            return unsafe readlinkat(root.descriptor, source, base, buffer.count)
        }
        return String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The path with every link resolved, as the file system spells it; nil, with errno, where it leads nowhere.
    static func realPath(_ path: String) -> [UInt8]? {
        // SAFETY: realpath allocates a string that ends with NUL and is ours to free.
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: resolved, count: strlen(resolved)))
    }

    private static func prefix(_ path: [UInt8]) -> [UInt8] { path == [0x2F] ? path : path + [0x2F] }

    // MARK: Looking

    private func status(of source: String) -> FileStatus? {
        var raw = stat()
        guard unsafe fstatat(root.descriptor, source, &raw, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return FileStatus(raw)
    }

    private mutating func skip(_ path: [String], _ reason: SkippedFile.Reason) {
        skipped.append(SkippedFile(path: path.joined(separator: "/"), reason: reason))
    }

    static func reason(_ error: StorageError) -> SkippedFile.Reason {
        if case .notPermitted = error { return .unreadable }
        return .vanished
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A new folder that is being filled and takes its place, or is removed again, as a whole.
///
/// Every name is used beneath a folder that is held open, and no link is followed: whoever else writes in the
/// neighbourhood cannot lead a file elsewhere.
final class ExportedFolder {
    private static let prefix = ".roost-fetch-"

    private let parent: OpenFile
    private let name: String
    /// Locked while it is filled: what is not locked belongs to nobody any more.
    private let root: OpenFile
    private let usualPermissions: mode_t
    /// The folder written to last with those above it, by name.
    private var open: [(name: String, folder: OpenFile)] = []

    /// Makes a hidden folder in the folder at `parent`, open to this user alone while it is filled.
    init(in parent: String) throws(StorageError) {
        self.parent = try OpenFile.open(parent, flags: O_RDONLY | O_DIRECTORY)
        (name, root) = try Self.makeLocked(in: self.parent)
        // What the user's mask leaves of 0777 is what a new folder gets in the end.
        usualPermissions = mode_t(try root.status().permissions & 0o777)
        guard fchmod(root.descriptor, 0o700) == 0 else { throw .lastError(.create, name) }
    }

    private static func makeLocked(in parent: OpenFile) throws(StorageError) -> (String, OpenFile) {
        var random = SystemRandomNumberGenerator()
        while true {
            let name = prefix + String(random.next(), radix: 36)
            try make(name, in: parent, mode: 0o777)
            // Somebody who sweeps may come between; then it is the next name's turn.
            guard let root = try? parent.openBeneath(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { continue }
            guard flock(root.descriptor, LOCK_EX | LOCK_NB) == 0, try root.status().links > 0 else { continue }
            return (name, root)
        }
    }

    /// Whether a name is that of a folder that is being filled, or was when its process died.
    static func isOurs(_ name: String) -> Bool { name.hasPrefix(prefix) }

    /// Removes what processes that died while they filled it left in the folder at `path`.
    static func sweep(_ path: String) {
        guard let folder = try? OpenFile.open(path, flags: O_RDONLY | O_DIRECTORY),
            let names = try? Disk.names(in: folder)
        else { return }
        for name in names.map({ String(decoding: $0, as: UTF8.self) }) where isOurs(name) {
            guard let left = try? folder.openBeneath(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
                flock(left.descriptor, LOCK_EX | LOCK_NB) == 0
            else { continue }
            empty(left)
            unsafe unlinkat(folder.descriptor, name, AT_REMOVEDIR)
        }
    }

    /// A new file at `path`, opened for writing.
    func create(_ path: [String], isExecutable: Bool) throws(StorageError) -> OpenFile {
        guard let last = path.last else { throw .notFound(path: name) }
        let folder = try folder(Array(path.dropLast()))
        return try folder.openBeneath(
            last,
            flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
            mode: isExecutable ? 0o755 : 0o644
        )
    }

    private func folder(_ path: [String]) throws(StorageError) -> OpenFile {
        let shared = zip(path, open).prefix { $0 == $1.name }.count
        open.removeSubrange(shared...)
        for name in path[shared...] {
            let above = open.last?.folder ?? root
            do throws(StorageError) {
                try Self.make(name, in: above, mode: 0o755)
            } catch .io(_, _, code: EEXIST) {
                // A file between two of one folder closed it. Should a link stand there, opening fails.
            }
            open.append((name, try above.openBeneath(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)))
        }
        return open.last?.folder ?? root
    }

    private static func make(_ name: String, in folder: OpenFile, mode: mode_t) throws(StorageError) {
        guard unsafe mkdirat(folder.descriptor, name, mode) == 0 else {
            if errno == ENOENT { throw .io(.create, path: "\(folder.path)/\(name)", code: ENOENT) }
            throw .lastError(.create, "\(folder.path)/\(name)")
        }
    }

    /// Gives the folder its name in place of nothing or an empty folder, durably; nil permissions are the usual ones.
    func finish(as target: String, permissions: mode_t?) throws(StorageError) {
        open = []
        guard fchmod(root.descriptor, permissions ?? usualPermissions) == 0 else { throw .lastError(.create, name) }
        try root.syncFileSystem()
        guard unsafe renameat(parent.descriptor, name, parent.descriptor, target) == 0 else {
            throw .lastError(.rename, "\(parent.path)/\(target)")
        }
        try parent.sync()
    }

    /// Moves all that is in the folder to where the folder itself stands, and removes it: for a target that cannot be
    /// replaced. A crash in between leaves a part of it there.
    func finishInPlace() throws(StorageError) {
        open = []
        try root.syncFileSystem()
        for name in try Disk.names(in: root).map({ String(decoding: $0, as: UTF8.self) }) {
            guard unsafe renameat(root.descriptor, name, parent.descriptor, name) == 0 else {
                throw .lastError(.rename, "\(parent.path)/\(name)")
            }
        }
        unsafe unlinkat(parent.descriptor, name, AT_REMOVEDIR)
        try parent.sync()
    }

    /// Removes the folder with everything in it, as far as that goes.
    func remove() {
        open = []
        Self.empty(root)
        unsafe unlinkat(parent.descriptor, name, AT_REMOVEDIR)
    }

    private static func empty(_ folder: OpenFile) {
        guard let names = try? Disk.names(in: folder) else { return }
        for name in names {
            let name = String(decoding: name, as: UTF8.self)
            if unsafe unlinkat(folder.descriptor, name, 0) == 0 { continue }
            guard let inner = try? folder.openBeneath(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else {
                continue
            }
            empty(inner)
            unsafe unlinkat(folder.descriptor, name, AT_REMOVEDIR)
        }
    }
}

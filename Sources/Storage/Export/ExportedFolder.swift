// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// A new folder that is being filled and takes its place, or is removed again, as a whole.
///
/// Every name is used beneath a folder that is held open, and no link is followed: whoever else writes in the
/// neighbourhood cannot lead a file elsewhere.
final class ExportedFolder {
    private let parent: OpenFile
    private let name: String
    private let root: OpenFile
    private let usualPermissions: mode_t
    /// The folder written to last with those above it, by name.
    private var open: [(name: String, folder: OpenFile)] = []

    /// Makes a hidden folder in the folder at `parent`, open to this user alone while it is filled.
    init(in parent: String) throws(StorageError) {
        self.parent = try OpenFile.open(parent, flags: O_RDONLY | O_DIRECTORY)
        var random = SystemRandomNumberGenerator()
        let name = ".roost-fetch-" + String(random.next(), radix: 36)
        try Self.make(name, in: self.parent, mode: 0o777)
        self.name = name
        root = try self.parent.openBeneath(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        // What the user's mask leaves of 0777 is what a new folder gets in the end.
        usualPermissions = mode_t(try root.status().permissions & 0o777)
        guard fchmod(root.descriptor, 0o700) == 0 else { throw .lastError(.create, name) }
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

// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Glibc
internal import Wire

/// Writes the files of a release from the content store into a folder that is absent or empty.
///
/// They are copied, sharing blocks where the file system can, into a hidden folder beside it, which takes its place when
/// all of them are there: a crash or a failure leaves either the whole release or nothing of it in the folder. Names go
/// through `PathSanitizer`. Blocks for as long as it takes.
///
/// An empty folder that cannot be replaced, such as one where a disk is mounted, is filled by way of a hidden folder in it.
public struct FolderExport {
    /// Called some hundred times an export: bytes written, bytes in all.
    public typealias Report = @Sendable (Int64, Int64) -> Void

    /// What was written.
    public struct Result: Equatable, Sendable {
        /// Files, empty ones among them.
        public var files = 0
        /// Bytes of all of them.
        public var bytes: Int64 = 0
        /// Paths of the release, `/` between components, that have another name here.
        public var renamed: [String] = []
    }

    /// One file to write.
    public struct Item: Sendable {
        /// As the release has it; what it becomes here is `PathSanitizer`'s to say.
        public var path: [String]
        /// Bytes; exactly so many must come out of the store.
        public var length: Int64
        /// Where the store keeps it; nil for a file of no bytes.
        public var key: ContentKey?
        /// Whether it may be run here.
        public var isExecutable: Bool

        /// `key` is nil exactly where `length` is 0.
        public init(path: [String], length: Int64, key: ContentKey?, isExecutable: Bool) {
            self.path = path
            self.length = length
            self.key = key
            self.isExecutable = isExecutable
        }

        /// A file of a release, under its own root.
        public init(_ file: ReleaseManifest.File) {
            self.init(
                path: file.path,
                length: file.length,
                key: file.root.map { .file(root: $0) },
                isExecutable: file.isExecutable
            )
        }
    }

    private let content: ContentStore
    private let isCancelled: @Sendable () -> Bool
    private let report: Report

    /// `isCancelled` is asked between portions; where it says yes the export throws and leaves nothing.
    public init(
        content: ContentStore,
        isCancelled: @escaping @Sendable () -> Bool = { false },
        report: @escaping Report = { _, _ in }
    ) {
        self.content = content
        self.isCancelled = isCancelled
        self.report = report
    }

    /// Fails with ``ExportError/notEmpty(path:)`` unless the folder at `path` is absent or empty.
    public static func check(_ path: String) throws(ExportError) { _ = try permissions(of: path) }

    /// Writes `files` into the folder at the absolute path `path`, making those above it as needed.
    public func run(_ files: [Item], to path: String) throws(ExportError) -> Result {
        let permissions = try Self.permissions(of: path)
        let name = path.split(separator: "/").last.map(String.init)
        guard let name, name != ".", name != ".." else { throw .notEmpty(path: path) }
        let parent = Disk.parent(of: Self.trimmed(path))
        do throws(StorageError) {
            try Disk.makeDirectories(parent, mode: 0o755)
            ExportedFolder.sweep(parent)
            if permissions != nil { ExportedFolder.sweep(path) }
        } catch {
            throw .storage(error)
        }
        do throws(ExportError) {
            return try run(files, to: path, by: parent) { folder throws(StorageError) in
                try folder.finish(as: name, permissions: permissions)
            }
        } catch  where permissions != nil && Self.isOfAnotherPlace(error) {
            return try run(files, to: path, by: path) { folder throws(StorageError) in try folder.finishInPlace() }
        } catch {
            throw error
        }
    }

    /// Whether the folder stands, but cannot be replaced from the one above it.
    private static func isOfAnotherPlace(_ error: ExportError) -> Bool {
        switch error {
        case .storage(.io(.rename, _, code: EXDEV)), .storage(.io(.rename, _, code: EBUSY)): true
        case .storage(.notPermitted): true
        default: false
        }
    }

    private func run(
        _ files: [Item],
        to target: String,
        by parent: String,
        finish: (ExportedFolder) throws(StorageError) -> Void
    ) throws(ExportError) -> Result {
        let folder: ExportedFolder
        do throws(StorageError) { folder = try ExportedFolder(in: parent) } catch { throw .storage(error) }
        do throws(ExportError) {
            let result = try write(files, to: folder)
            do throws(StorageError) {
                try finish(folder)
            } catch .io(.rename, _, code: ENOTEMPTY), .io(.rename, _, code: EEXIST), .io(.rename, _, code: ENOTDIR) {
                throw ExportError.notEmpty(path: target)
            } catch {
                throw ExportError.storage(error)
            }
            return result
        } catch {
            folder.remove()
            throw error
        }
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// Of the empty folder at `path`; nil where there is none.
    private static func permissions(of path: String) throws(ExportError) -> mode_t? {
        let path = trimmed(path)
        do throws(StorageError) {
            let status = try Disk.status(of: path)
            if status.kind == .directory, try Disk.names(in: path).allSatisfy(ExportedFolder.isOurs) {
                return mode_t(status.permissions & 0o777)
            }
        } catch .notFound {
            return nil
        } catch {
            throw .storage(error)
        }
        throw .notEmpty(path: path)
    }

    private func write(_ files: [Item], to folder: ExportedFolder) throws(ExportError) -> Result {
        var names = PathSanitizer()
        var result = Result()
        let total = files.reduce(Int64(0)) { $0 + $1.length }
        let step = max(1, files.count / 200)
        for (index, file) in files.enumerated() {
            if isCancelled() { throw .cancelled }
            let original = file.path.joined(separator: "/")
            let path: SanitizedPath
            do throws(PathError) { path = try names.add(file.path) } catch { throw .unusablePath(path: original) }
            if path.isChanged { result.renamed.append(original) }
            try write(file, at: path.components, in: folder)
            result.files += 1
            result.bytes += file.length
            if index % step == 0 || file.length >= 1 << 20 { report(result.bytes, total) }
        }
        return result
    }

    private func write(
        _ file: Item,
        at path: [String],
        in folder: ExportedFolder
    ) throws(ExportError) {
        do throws(StorageError) {
            let copy = try folder.create(path, isExecutable: file.isExecutable)
            guard let key = file.key else { return }
            try content.copy(key, length: file.length, to: copy)
        } catch .notFound {
            throw .missing(path: file.path.joined(separator: "/"))
        } catch {
            throw .storage(error)
        }
    }
}

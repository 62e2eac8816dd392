// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The folder that holds everything of one node. `docs/protocols/storage-layout.md` draws it.
public struct Home: Sendable {
    /// Absolute, without a slash at its end.
    public let path: String

    /// The version of the layout that this program writes.
    public static let layoutVersion = 2

    /// The home at an absolute path; neither it nor anything in it needs to exist.
    public init(path: String) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    /// What the user set; absent where nothing was.
    public var configuration: String { path + "/config.toml" }
    /// What lets a local program speak to the control API: whoever reads it rules the node.
    public var controlToken: String { path + "/control.token" }
    /// Of ``MetadataStore``; SQLite keeps two more files beside it.
    public var database: String { path + "/metadata.sqlite" }
    /// Of ``KeyStore``.
    public var keys: String { path + "/keys" }
    /// What ``keys`` has held, to miss it when it is gone.
    public var knownKeys: String { path + "/known-keys" }
    /// Recovery kits, until their owner moves them away.
    public var recovery: String { path + "/recovery" }
    /// Of ``ContentStore``: complete files by their roots, small ones in packs.
    public var content: String { path + "/content" }
    var packs: String { content + "/packs" }
    /// Of ``ContentStore``: files that are still coming, with what of them is verified.
    public var partial: String { path + "/partial" }
    /// For files that are being written; emptied at every start.
    public var temporary: String { path + "/tmp" }
    /// Lists of others, one file each (``DenyList``).
    public var denyLists: String { path + "/deny" }
    /// What a node in the background says.
    public var log: String { path + "/roost.log" }
    var cache: String { path + "/cache" }
    var quarantine: String { path + "/quarantine" }
    var lock: String { path + "/lock" }
    var version: String { path + "/version" }

    /// The process that runs on this home, as "roost (pid 12)"; nil when none does.
    public var holder: String? { HomeLock.holder(of: lock) }

    /// Makes the folders, 0700 each. Safe to repeat.
    ///
    /// Fails with ``StorageError/tooNew(path:version:)`` where a later version of the program has written the home; it is
    /// left as it was.
    public func prepare() throws(StorageError) {
        try Disk.makeDirectories(path)
        // First: what the folders of a later layout are is not ours to say.
        try checkVersion()
        try Disk.setPermissions(path, 0o700)
        for folder in [keys, recovery, content, partial, temporary, denyLists, cache, quarantine] {
            try Disk.makeDirectory(folder)
        }
    }

    /// Prepares the home and holds it for this process, then clears what an interrupted run left in `tmp`.
    public func open() throws(StorageError) -> HomeLock {
        try prepare()
        let lock = try HomeLock.acquire(lock)
        for name in try Disk.names(in: temporary) { try Disk.remove(temporary + "/" + name) }
        return lock
    }

    /// Holds the home for this process without preparing it; nil where there is none.
    public func hold() throws(StorageError) -> HomeLock? {
        guard Disk.exists(path) else { return nil }
        do throws(StorageError) { try checkVersion(writes: false) } catch {
            // Not even a lock is made in a later one.
            if case .tooNew = error { throw error }
        }
        return try HomeLock.acquire(lock)
    }

    private func checkVersion(writes: Bool = true) throws(StorageError) {
        do throws(StorageError) {
            let bytes = try Disk.read(version, limit: 64)
            // Without bytes is what a disk leaves that said it had synced them and had not. It holds nothing against us, and
            // a home that never opens again would be the greater loss.
            if bytes.allSatisfy({ $0 == 0 }) { return writes ? try writeVersion() : () }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let found = Int(text.prefix { $0.isASCII && $0.isNumber }) else { throw .damaged(path: version) }
            guard found <= Self.layoutVersion else { throw .tooNew(path: path, version: found) }
            // Layout 2 is layout 1 with packs: all that stands there stays as it is, and an older program is kept out.
            if found < Self.layoutVersion, writes { try writeVersion() }
        } catch .notFound {
            if writes { try writeVersion() }
        }
    }

    /// Whether the file that tells the layout holds something that no version of this program writes.
    public var hasDamagedVersion: Bool {
        do throws(StorageError) {
            try checkVersion(writes: false)
            return false
        } catch {
            switch error {
            case .damaged, .tooLarge: return true
            default: return false
            }
        }
    }

    /// Writes the layout's version over one that is damaged or has no bytes, for a home of which nothing says that it is a
    /// later one's.
    public func replaceDamagedVersion() throws(StorageError) {
        if hasLostVersion { return try writeVersion() }
        guard hasDamagedVersion else { return }
        try Disk.makeDirectory(quarantine)
        try Disk.rename(version, to: quarantine + "/version")
        try writeVersion()
    }

    private func writeVersion() throws(StorageError) {
        try Disk.write(Array("\(Self.layoutVersion)\n".utf8), durablyTo: version)
    }

    /// Replaces a file of the home so that a crash leaves the old bytes or the new ones. Mode 0600.
    public func write(_ bytes: [UInt8], to path: String) throws(StorageError) {
        try Disk.write(bytes, durablyTo: path)
    }

    /// All of a small file of the home.
    public func read(_ path: String, limit: Int = 1 << 20) throws(StorageError) -> [UInt8] {
        try Disk.read(path, limit: limit)
    }

    /// Removes a file of the home; that there is none is no error.
    public func remove(_ path: String) throws(StorageError) { try Disk.remove(path) }

    /// Bytes that this user may still write on the home's file system; nil where that cannot be told.
    public var freeBytes: Int64? { Disk.freeBytes(at: path) }
}

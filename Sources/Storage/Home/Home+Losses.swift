// SPDX-License-Identifier: Apache-2.0

/// What is missed in a home before anything is opened, which would make it anew.
extension Home {
    /// Whether the file that tells the layout is there, without its bytes: what a disk leaves that had said it had synced them.
    public var hasLostVersion: Bool {
        guard let bytes = try? Disk.read(version, limit: 64) else { return false }
        return bytes.allSatisfy { $0 == 0 }
    }

    /// Whether there is content, and no database that would tell what it is.
    public var hasLostDatabase: Bool {
        if let length = try? Disk.status(of: database).length, length > 0 { return false }
        let folders = (try? Disk.names(in: content)) ?? []
        return folders.contains { folder in
            let names = (try? Disk.names(in: "\(content)/\(folder)")) ?? []
            return names.contains { ((try? Disk.status(of: "\(content)/\(folder)/\($0)").length) ?? 0) > 0 }
        }
    }

    /// Packs of small files that are not whole, by name, ascending: opening the store cuts them off behind the last sound
    /// record, or has them written anew. Reads packs without an index from beginning to end; changes nothing.
    public var brokenPacks: [String] { PackStore.broken(in: packs) }
}

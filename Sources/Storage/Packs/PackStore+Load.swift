// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

extension PackStore {
    /// What the packs of a folder hold. Nothing in them is believed: see ``PackFile``.
    ///
    /// What follows the last sound record of a pack without an index is cut off: the end of an interrupted write. A pack
    /// of which bytes between records are lost is written anew with the next ``reclaim()``; one that cannot be read is left alone.
    /// Each of them is counted.
    static func load(_ folder: String) throws(StorageError) -> State {
        var state = State()
        var packs: [PackFile] = []
        for name in try Disk.names(in: folder) {
            let path = "\(folder)/\(name)"
            if let pack = PackFile(name: name, folder: folder) {
                packs.append(pack)
            } else if name.hasSuffix(".new") || isStrayIndex(path) {
                try Disk.remove(path)
            }
        }
        for pack in packs.sorted(by: { $0.number < $1.number }) {
            state.highest = max(state.highest, pack.number)
            do throws(StorageError) {
                try load(pack, into: &state)
            } catch {
                // It may be read another time: its number is taken, and its files are missing until then.
                state.faults += 1
                state.unreadable.insert(pack.number)
                state.packs[pack.number] = nil
            }
        }
        return state
    }

    /// The names of packs that ``load(_:)`` would cut off, remove or have written anew, ascending. Changes nothing.
    static func broken(in folder: String) -> [String] {
        let packs = ((try? Disk.names(in: folder)) ?? []).compactMap { PackFile(name: $0, folder: folder) }
        return packs.sorted { $0.number < $1.number }.filter { (try? isBroken($0)) == true }
            .map { "\($0.number)\(PackFile.suffix)" }
    }

    private static func isBroken(_ pack: PackFile) throws(StorageError) -> Bool {
        let status = try Disk.status(of: pack.path)
        // What is no pack is left alone.
        guard status.kind == .file, (1...PackFile.fullBytes).contains(status.length) else { return false }
        if let entries = pack.indexed(length: status.length), !entries.isEmpty { return false }
        let found = try pack.scan(try OpenFile.open(pack.path, flags: O_RDONLY | O_NOFOLLOW))
        return found.end < status.length || !found.isWhole
    }

    private static func isStrayIndex(_ path: String) -> Bool {
        guard path.hasSuffix(PackFile.indexSuffix) else { return false }
        return !Disk.exists(path.dropLast(PackFile.indexSuffix.count) + PackFile.suffix)
    }

    private static func load(_ pack: PackFile, into state: inout State) throws(StorageError) {
        let status = try Disk.status(of: pack.path)
        guard status.kind == .file, status.length <= PackFile.fullBytes else { throw .damaged(path: pack.path) }
        if let entries = pack.indexed(length: status.length), !entries.isEmpty {
            state.packs[pack.number] = Pack(file: pack, end: status.length, isSealed: true, isIndexed: true)
            return add(entries, of: pack, to: &state)
        }
        try Disk.remove(pack.indexPath)
        let file = try pack.open()
        let found = try pack.scan(file)
        guard found.end > 0 else {
            if status.length > 0 { state.faults += 1 }
            return try Disk.remove(pack.path)
        }
        if found.end < status.length {
            try file.resize(to: found.end)
            state.cut += 1
        }
        // A process that was killed had not synced all that can be read now.
        try file.sync()
        state.packs[pack.number] = Pack(file: pack, handle: file, end: found.end, isBroken: !found.isWhole)
        add(found.entries, of: pack, to: &state)
        if !found.isWhole { state.faults += 1 }
        if found.isWhole { state.active = pack.number }
    }

    private static func add(_ entries: [PackFile.Entry], of pack: PackFile, to state: inout State) {
        for entry in entries where entry.record.isHeld && state.places.count < maximumFiles {
            // A file that stands there twice was let go in between, or was being moved: the later place counts.
            if let earlier = state.places[entry.record.root] {
                state.packs[earlier.pack]?.live -= Int64(earlier.length) + Int64(PackRecord.headerBytes)
            }
            state.packs[pack.number]?.live += Int64(entry.record.total)
            state.places[entry.record.root] = Place(
                pack: pack.number,
                offset: UInt32(clamping: entry.offset),
                length: UInt32(clamping: entry.record.length),
                storedAt: UInt32(clamping: entry.record.storedAt)
            )
        }
    }
}

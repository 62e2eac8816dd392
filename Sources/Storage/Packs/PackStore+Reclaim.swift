// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

extension PackStore {
    /// Gives the bytes of files that were let go back to the disk: holes first, which take no space to make; then packs
    /// of which less than half is left are written anew.
    ///
    /// Returns files that turned out damaged while they were moved, and are gone.
    @discardableResult
    func reclaim() throws(StorageError) -> [Digest256] {
        try atUpkeep { () throws(StorageError) in try reclaimNow() }
    }

    private func reclaimNow() throws(StorageError) -> [Digest256] {
        let touched = try withState { (state) throws(StorageError) in
            let touched = state.packs.values.filter { !$0.dropped.isEmpty }
            for pack in touched { state.packs[pack.file.number]?.dropped = [] }
            return touched
        }
        for pack in touched { try punch(pack.dropped, of: pack) }
        var damaged: [Digest256] = []
        for number in try sparse() { damaged += try rewrite(number) }
        return damaged
    }

    /// A file's mark is durable before its bytes go: else a start could take zeros for the file. The index goes first of
    /// all, as it does not know of the mark, and a pack without one is hashed.
    private func punch(_ ranges: [Range<Int64>], of touched: Pack) throws(StorageError) {
        var pack = touched
        pack.dropped = []
        if pack.live <= 0, try unlink(pack) { return }
        let file = try pack.opened()
        if pack.isSealed {
            try Disk.remove(pack.file.indexPath)
            try Disk.syncDirectory(folder)
        }
        try file.syncData()
        for range in ranges {
            // Where the file system cannot, the space comes back with the pack.
            _ = roost_punch_hole(file.descriptor, range.lowerBound, Int64(range.count))
        }
        if pack.isSealed { try index(pack, file) }
    }

    /// Removes a pack with nothing in it that counts, unless it grows.
    private func unlink(_ pack: Pack) throws(StorageError) -> Bool {
        try withState { (state) throws(StorageError) in
            let number = pack.file.number
            guard state.active != number, let now = state.packs[number], now.live <= 0 else { return false }
            try Disk.remove(pack.file.indexPath)
            try Disk.remove(pack.file.path)
            files.forget(pack.file.path)
            state.packs[number] = nil
            return true
        }
    }

    // MARK: Compaction

    private func sparse() throws(StorageError) -> [UInt32] {
        try withState { (state) throws(StorageError) in
            state.packs.values.filter { pack in
                pack.file.number != state.active && (pack.isBroken || pack.isSealed && pack.live * 2 < pack.end)
            }.map(\.file.number)
        }
    }

    private struct Move {
        var root: Digest256
        var from: Place
        var to: Place
    }

    /// Copies what counts of a pack to the end of the one that grows, and removes it when that is durable.
    private func rewrite(_ number: UInt32) throws(StorageError) -> [Digest256] {
        let (pack, places) = try withState { (state) throws(StorageError) in
            let places = state.places.filter { $0.value.pack == number && state.pending[$0.key] == nil }
            return (state.packs[number], places)
        }
        guard let pack else { return [] }
        let file = try pack.file.open()
        var moves: [Move] = []
        var damaged: [Digest256] = []
        do throws(StorageError) {
            for (root, place) in places.sorted(by: { $0.value.offset < $1.value.offset }) {
                if let new = try copy(place, of: root, from: file) {
                    moves.append(Move(root: root, from: place, to: new))
                } else {
                    damaged.append(root)
                }
            }
            if StorageDefect.current != .removesEarly { try sync(Set(moves.map(\.to.pack))) }
        } catch {
            // The copies do not count; the old pack does.
            try withState { (state) throws(StorageError) in
                for move in moves { try drop(move.to, &state) }
            }
            throw error
        }
        try finish(moves, damaged)
        _ = try unlink(pack)
        return damaged
    }

    /// Nil where the bytes are not those of the root.
    private func copy(_ place: Place, of root: Digest256, from file: OpenFile) throws(StorageError) -> Place? {
        let bytes = try file.read(at: Int64(place.offset) + Int64(PackRecord.headerBytes), count: Int(place.length))
        let record = PackRecord(root: root, length: Int(place.length), storedAt: Int64(place.storedAt))
        guard bytes.count == record.length, record.matches(bytes) else { return nil }
        return try withState { (state) throws(StorageError) in
            unsafe try bytes.span.bytes.withUnsafeBytes { (buffer) throws(StorageError) in
                unsafe try append(record, buffer, to: &state)
            }
        }
    }

    private func sync(_ packs: Set<UInt32>) throws(StorageError) {
        for number in packs { try PackFile(number: number, folder: folder).open().syncData() }
        try Disk.syncDirectory(folder)
    }

    private func finish(_ moves: [Move], _ damaged: [Digest256]) throws(StorageError) {
        try withState { (state) throws(StorageError) in
            for move in moves {
                if state.places[move.root] == move.from {
                    state.places[move.root] = move.to
                    state.packs[move.from.pack]?.live -= Int64(move.from.length) + Int64(PackRecord.headerBytes)
                } else {
                    // Let go meanwhile.
                    try drop(move.to, &state)
                }
            }
            for root in damaged {
                guard let place = state.places.removeValue(forKey: root) else { continue }
                state.packs[place.pack]?.live -= Int64(place.length) + Int64(PackRecord.headerBytes)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

extension PackStore {
    /// What a flush has made of the files appended before it.
    struct Flushed {
        /// They outlive a crash from now on.
        var durable: [Digest256] = []
        /// They were in packs that the disk refused to write, and are gone.
        var lost: [Digest256] = []
        var failure: StorageError?
    }

    /// Makes every file that was appended before the call durable: one sync for all of them in a pack.
    ///
    /// What a disk refuses to write once may look written afterwards without being so: such files do not count any
    /// more, and the pack does not grow any further.
    func flush() -> Flushed {
        do throws(StorageError) {
            return try atUpkeep { () throws(StorageError) in flushNow() }
        } catch {
            return Flushed(failure: error)
        }
    }

    private func flushNow() -> Flushed {
        var flushed = Flushed()
        let (pending, packs, hasNewName) = snapshot()
        var failed: Set<UInt32> = []
        for pack in packs {
            do throws(StorageError) {
                try pack.opened().syncData()
            } catch {
                failed.insert(pack.file.number)
                flushed.failure = error
            }
        }
        var isNamed = true
        if hasNewName {
            do throws(StorageError) { try Disk.syncDirectory(folder) } catch {
                flushed.failure = error
                isNamed = false
            }
        }
        settle(pending, failed: failed, isNamed: isNamed, &flushed)
        if flushed.failure == nil {
            do throws(StorageError) { try seal() } catch { flushed.failure = error }
        }
        return flushed
    }

    private func snapshot() -> (pending: [Digest256: Place], packs: [Pack], hasNewName: Bool) {
        let snapshot = try? withState { (state) throws(StorageError) in
            let packs = state.packs.values.filter(\.needsSync)
            for pack in packs { state.packs[pack.file.number]?.needsSync = false }
            defer { state.hasNewName = false }
            return (state.pending, packs, state.hasNewName)
        }
        return snapshot ?? ([:], [], false)
    }

    private func settle(
        _ pending: [Digest256: Place],
        failed: Set<UInt32>,
        isNamed: Bool,
        _ flushed: inout Flushed
    ) {
        var (durable, lost): ([Digest256], [Digest256]) = ([], [])
        try? withState { (state) throws(StorageError) in
            if !isNamed { state.hasNewName = true }
            if let active = state.active, failed.contains(active) { state.active = nil }
            for number in failed { state.packs[number]?.isBroken = true }
            for (root, place) in state.pending where failed.contains(place.pack) {
                state.pending[root] = nil
                state.places[root] = nil
                state.packs[place.pack]?.live -= Int64(place.length) + Int64(PackRecord.headerBytes)
                lost.append(root)
            }
            guard isNamed else { return }
            for (root, place) in pending where state.pending[root] == place {
                state.pending[root] = nil
                durable.append(root)
            }
        }
        flushed.durable = durable
        flushed.lost = lost
    }

    /// Gives an index to packs that grow no more and are synced.
    private func seal() throws(StorageError) {
        let full = try withState { (state) throws(StorageError) in
            state.packs.values.filter { pack in
                pack.file.number != state.active && !pack.isIndexed && !pack.isBroken && !pack.needsSync
            }
        }
        for pack in full { try index(pack, pack.opened()) }
    }

    /// Gives an index to a pack that grows no more and is synced; none where a file was let go since `pack` was looked at.
    func index(_ pack: Pack, _ file: OpenFile) throws(StorageError) {
        let isChain = try pack.file.writeIndex(of: file, length: pack.end)
        try withState { (state) throws(StorageError) in
            let number = pack.file.number
            let isTrue = state.packs[number]?.dropped.count == pack.dropped.count
            if !isTrue { try Disk.remove(pack.file.indexPath) }
            state.packs[number]?.isIndexed = isChain && isTrue
            state.packs[number]?.isSealed = isChain
            state.packs[number]?.isBroken = !isChain
            if isChain { state.packs[number]?.handle = nil }
        }
    }
}

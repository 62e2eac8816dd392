// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Wire

@testable internal import Storage

/// Packs as a crash, a failing disk or another program may have left them (`docs/protocols/storage-layout.md` §3.1).
///
/// The checksums and hashes that a fuzzer cannot make are made here: an input says which records stand in them and what between.
struct PackTrial {
    struct Pack {
        var bytes: [UInt8] = []
        /// Of the records in order, as a true index has them.
        var headers: [UInt8] = []
        var index: [UInt8]?
    }

    private struct Written {
        var pack: Int
        var place: Range<Int>
        var header: [UInt8]
        var content: [UInt8]
        var isHeld: Bool
    }

    private(set) var packs = [Pack()]
    /// A header with a right checksum stands there that no store wrote: it may hide what is behind it.
    private(set) var isForged = false
    private var written: [Written] = []

    private static let mostPacks = 3
    private static let mostSteps = 24

    /// Files that were held, let go, torn, cut off and overwritten; claims that are not true; two packs with indexes.
    static let samples: [[UInt8]] = [
        [0, 5, 0, 3, 1, 2, 3, 1, 0, 2, 9, 9, 0, 0, 0, 1, 5],
        [0, 0, 0, 3, 1, 2, 3, 2, 0, 2, 7, 7, 0, 0, 0, 2, 4, 4, 4, 9],
        [0, 0, 0, 4, 1, 1, 1, 1, 6, 0, 0, 0, 3, 2, 2, 2, 7, 0, 0], [0, 0, 0, 4, 8, 8, 8, 8, 7, 0, 5, 0, 3, 1, 1, 1],
        [3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 9, 1, 1, 2, 3, 0, 2, 1, 5, 7, 0, 4, 1, 2, 3, 4],
        [0, 0, 0, 3, 1, 2, 3, 5, 0, 40, 0, 0, 0, 0, 2, 9, 9], [8, 255, 255, 0, 0, 0, 0, 2, 6, 6, 8, 1, 0, 114],
        [1, 0, 3, 1, 2, 3, 1, 0, 3, 1, 2, 3, 6, 0, 1, 0, 3, 1, 2, 3, 7, 0, 0],
    ]

    init(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        for _ in 0..<Self.mostSteps where !input.isAtEnd { step(&input) }
    }

    /// The files that are whole and that nothing else claims the place of: a start has to find them.
    var sound: Set<Digest256> {
        let intact = written.filter { record in
            let bytes = packs[record.pack].bytes
            guard bytes.count >= record.place.lowerBound + record.header.count else { return false }
            // The first byte alone ever changes.
            return bytes[record.place.lowerBound...].dropFirst().starts(with: record.header.dropFirst())
        }
        let whole = intact.filter { record in
            record.isHeld
                && packs[record.pack].bytes.dropFirst(record.place.lowerBound).starts(
                    with: record.header + record.content
                )
        }
        return Set(
            whole.filter { record in
                intact.allSatisfy {
                    $0.pack != record.pack || $0.place == record.place || !$0.place.overlaps(record.place)
                }
            }
            .map { Merkle.root(of: $0.content) }
        )
    }

    private mutating func step(_ input: inout FuzzInput) {
        let last = packs.count - 1
        switch input.choice(9) {
        case 0:
            let storedAt = Int64(input.byte())
            add(input.chunk(), storedAt: storedAt)
        case 1: add(input.chunk(), storedAt: 1, isHeld: false)
        case 2: packs[last].bytes += input.chunk()
        case 3:
            isForged = true
            let storedAt = Int64(bitPattern: input.long())
            var record = PackRecord(root: .zero, length: Int(input.word() % 70_000), storedAt: storedAt)
            record.isHeld = input.choice(2) == 0
            packs[last].bytes += record.header
        case 4: packs[last].bytes.removeLast(min(Int(input.byte()), packs[last].bytes.count))
        case 5:
            let (place, bit) = (Int(input.short()), input.byte() & 7)
            guard !packs[last].bytes.isEmpty else { return }
            packs[last].bytes[place % packs[last].bytes.count] ^= 1 << bit
        case 6: if packs.count < Self.mostPacks { packs.append(Pack()) }
        case 7:
            let other = input.chunk()
            packs[last].index = other.isEmpty ? packs[last].headers : other
        default:
            let count = Int(input.short())
            packs[last].bytes += [UInt8](repeating: input.byte(), count: count)
        }
    }

    private mutating func add(_ content: [UInt8], storedAt: Int64, isHeld: Bool = true) {
        guard (1...PackRecord.maximumLength).contains(content.count) else { return }
        var record = PackRecord(root: Merkle.root(of: content), length: content.count, storedAt: storedAt)
        record.isHeld = isHeld
        let (last, start) = (packs.count - 1, packs[packs.count - 1].bytes.count)
        packs[last].bytes += record.header + content
        packs[last].headers += record.header
        written.append(
            Written(
                pack: last,
                place: start..<start + record.total,
                header: record.header,
                content: content,
                isHeld: isHeld
            )
        )
    }
}

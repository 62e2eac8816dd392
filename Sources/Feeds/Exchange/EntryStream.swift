// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The entries of a log as one stream, so that small ones share an answer and a large one comes in parts.
///
/// Each entry is four bytes of length, most significant first, and its bytes.
struct EntryStream: Equatable, Sendable {
    /// The entry that is being received.
    private(set) var index: Int
    private var partial: [UInt8] = []

    /// - Parameter from: the first entry wanted.
    init(from: Int) {
        index = from
    }

    /// Where the next part must begin.
    var query: SiteQuery { .entries(from: index, offset: partial.count) }

    /// Takes the next part and returns the entries that it completes; nil when a length is beyond the limit.
    mutating func receive(_ bytes: [UInt8]) -> [[UInt8]]? {
        partial += bytes
        var entries: [[UInt8]] = []
        var start = 0
        while partial.count - start >= 4 {
            let length = Int(partial[start..<start + 4].bigEndian)
            guard length <= FeedSpecification.entryBytes else { return nil }
            guard partial.count - start - 4 >= length else { break }
            entries.append(Array(partial[(start + 4)..<(start + 4 + length)]))
            start += 4 + length
            index += 1
        }
        partial.removeFirst(start)
        return entries
    }

    /// The part of the stream that answers a request; nil where `from` or `offset` lie beyond what there is.
    static func part(of entries: [[UInt8]], from: Int, offset: Int, limit: Int) -> [UInt8]? {
        guard entries.indices.contains(from), offset <= entries[from].count + 4 else { return nil }
        var part: [UInt8] = []
        var skip = offset
        for entry in entries[from...] {
            guard part.count < limit else { break }
            var framed: [UInt8] = []
            framed.append(bigEndian: UInt32(entry.count))
            framed += entry
            part += framed.dropFirst(skip).prefix(limit - part.count)
            skip = 0
        }
        return part
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB

/// Copies the rows of a table of a damaged database, as far as they can be read, into a new one.
///
/// A range of keys is read from its beginning up to the damage, and from its end back to it; what is left between the two
/// is halved, and each half read so, until the damage itself is left. Memory: ``batch`` rows.
struct DamagedTable {
    /// The new database failed, which is no fault of the damaged one.
    struct WriteFailure: Error {
        let cause: any Error
    }

    /// Rows that were copied.
    private(set) var rows = 0
    /// Whether all was read.
    private(set) var isWhole = true

    private let table: MetadataStore.Table
    private let old: Database
    private let new: MetadataStore
    private var waiting: [[DatabaseValue]] = []

    /// Rows that are written in one transaction.
    private static let batch = 256
    /// Ranges that are looked into, the wide ones first: where hardly anything is left, it ends all the same.
    private static let maximumRanges = 4096

    /// `old` is the damaged database.
    init(_ table: MetadataStore.Table, in old: Database, to new: MetadataStore) {
        self.table = table
        self.old = old
        self.new = new
    }

    mutating func run() throws(WriteFailure) {
        var ranges: [ClosedRange<UInt64>?] = [nil]
        var looked = 0
        while looked < ranges.count, looked < Self.maximumRanges {
            let range = ranges[looked]
            looked += 1
            let first = try read(range, "ASC")
            if first.isWhole { continue }
            isWhole = false
            let last = try read(range, "DESC")
            // Keys that are text are not halved.
            guard !last.isWhole, first.canBeHalved, last.canBeHalved else { continue }
            let low = first.end ?? range?.lowerBound ?? 0
            let high = last.end ?? range?.upperBound ?? (table.key == "rowid" ? UInt64(Int64.max) : .max)
            guard low < high, high - low > 1 else { continue }
            let middle = low + (high - low) / 2
            ranges += [low...middle, middle...high]
        }
        try flush()
    }

    private struct Passage {
        var isWhole = false
        /// The last key that was read.
        var end: UInt64?
        var canBeHalved = true
    }

    /// Up to the first row that cannot be read; nil is all of the table.
    private mutating func read(_ range: ClosedRange<UInt64>?, _ direction: String) throws(WriteFailure) -> Passage {
        let order = table.order.map { "\($0) \(direction)" }.joined(separator: ", ")
        let part = range == nil ? "" : "WHERE \(table.key) BETWEEN ? AND ?"
        let sql = "SELECT \(table.key), \(table.columns) FROM \"\(table.name)\" \(part) ORDER BY \(order)"
        let bounds = range.map { [value($0.lowerBound, isUpper: false), value($0.upperBound, isUpper: true)] } ?? []
        var passage = Passage()
        do {
            let cursor = try Row.fetchCursor(old, sql: sql, arguments: StatementArguments(bounds))
            while let row = try cursor.next() {
                let values = Array(row.databaseValues)
                passage.end = Self.key(values.first)
                if passage.end == nil { passage.canBeHalved = false }
                waiting.append(Array(values.dropFirst()))
                if waiting.count >= Self.batch { try flush() }
            }
            passage.isWhole = true
        } catch let failure as WriteFailure {
            throw failure
        } catch {
            // Up to here.
        }
        return passage
    }

    private mutating func flush() throws(WriteFailure) {
        do { rows += try new.insert(waiting, into: table) } catch { throw WriteFailure(cause: error) }
        waiting = []
    }

    // MARK: Keys as numbers

    /// A row's number, or the first eight bytes of a hash; nil for what is neither.
    private static func key(_ value: DatabaseValue?) -> UInt64? {
        switch value?.storage {
        case .int64(let number): UInt64(exactly: number)
        case .blob(let data) where data.count >= 8: data.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        default: nil
        }
    }

    private func value(_ key: UInt64, isUpper: Bool) -> DatabaseValue {
        if table.key == "rowid" { return Int64(clamping: key).databaseValue }
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: key >> (56 - 8 * $0)) }
        // No hash is longer than 32 bytes.
        return Data(bytes + [UInt8](repeating: isUpper ? 0xFF : 0, count: isUpper ? 32 : 0)).databaseValue
    }
}

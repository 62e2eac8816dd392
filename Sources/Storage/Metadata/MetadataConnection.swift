// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB
internal import Wire

/// The database inside one transaction: what ``MetadataStore/read(_:)`` and ``MetadataStore/write(_:)`` hand out.
///
/// Its calls are grouped by subject in the extensions. They throw whatever SQLite does; the store makes one
/// ``MetadataError`` of it. Times are seconds since 1970.
public struct MetadataConnection {
    let db: Database

    /// A row's fixed-size value; a stored value of another size is an error, never a trap.
    static func fixed<Value: FixedBytes>(_ row: Row, _ column: String) throws -> Value {
        guard let value: Value = try optional(row, column) else { throw MetadataError.invalidValue(table: column) }
        return value
    }

    static func optional<Value: FixedBytes>(_ row: Row, _ column: String) throws -> Value? {
        guard let data = Data.fromDatabaseValue(row[column]) else { return nil }
        guard let value = Value(data) else { throw MetadataError.invalidValue(table: column) }
        return value
    }

    static func bytes(_ row: Row, _ column: String) -> [UInt8]? {
        Data.fromDatabaseValue(row[column]).map { [UInt8]($0) }
    }

    static func integer(_ row: Row, _ column: String) throws -> Int64 {
        guard let value = Int64.fromDatabaseValue(row[column]) else { throw MetadataError.invalidValue(table: column) }
        return value
    }

    static func text(_ row: Row, _ column: String) throws -> String {
        guard let value = String.fromDatabaseValue(row[column]) else {
            throw MetadataError.invalidValue(table: column)
        }
        return value
    }

    static func bool(_ row: Row, _ column: String) throws -> Bool { try integer(row, column) != 0 }

    func execute(_ sql: String, _ values: [(any DatabaseValueConvertible)?]) throws {
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(values))
    }

    func rows<Value>(
        _ sql: String,
        _ values: [(any DatabaseValueConvertible)?] = [],
        _ decode: (Row) throws -> Value
    ) throws -> [Value] {
        let statement = try db.cachedStatement(sql: sql)
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(values))
        var values: [Value] = []
        while let row = try cursor.next() { values.append(try decode(row)) }
        return values
    }

    func row<Value>(
        _ sql: String,
        _ values: [(any DatabaseValueConvertible)?],
        _ decode: (Row) throws -> Value
    ) throws -> Value? {
        try rows(sql, values, decode).first
    }
}

extension FixedBytes {
    var data: Data { Data(bytes) }
}

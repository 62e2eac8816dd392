// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One change of a recorded run's files, in the order in which the system made them.
public enum DiskChange: Equatable, Sendable {
    /// A new, empty file; `file` names it until another is made under the same number.
    case create(file: UInt64, path: String)
    case write(file: UInt64, offset: Int, bytes: [UInt8])
    case truncate(file: UInt64, length: Int)
    /// What was written to the file before is on the device.
    case sync(file: UInt64)
    case syncAll
    /// The names in the folder are on the device.
    case syncFolder(String)
    case rename(String, to: String)
    case link(String, to: String)
    case unlink(String)
    case makeFolder(String)
    case removeFolder(String)
    /// The program said something, such as that it has acknowledged a write.
    case mark(String)

    /// Reads the record that `CDiskLog` makes; nil where it is none.
    public static func parse(_ record: [UInt8]) -> [DiskChange]? {
        var reader = ByteReader(record)
        var changes: [DiskChange] = []
        while !reader.isAtEnd {
            guard let kind = reader.read(count: 1)?.first, let file = number(&reader, 8),
                let value = number(&reader, 8), let first = number(&reader, 4), let second = number(&reader, 4),
                let one = reader.read(count: Int(first)), let two = reader.read(count: Int(second)),
                let change = DiskChange(kind, file, Int(truncatingIfNeeded: value), Array(one), Array(two))
            else { return nil }
            changes.append(change)
        }
        return changes
    }

    private static func number(_ reader: inout ByteReader, _ count: Int) -> UInt64? {
        reader.read(count: count)?.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private init?(_ kind: UInt8, _ file: UInt64, _ value: Int, _ one: [UInt8], _ two: [UInt8]) {
        let path = String(decoding: one, as: UTF8.self)
        let other = String(decoding: two, as: UTF8.self)
        switch kind {
        case 1: self = .create(file: file, path: path)
        case 2: self = .write(file: file, offset: value, bytes: two)
        case 3: self = .truncate(file: file, length: value)
        case 4: self = .sync(file: file)
        case 5: self = .syncAll
        case 6: self = .syncFolder(path)
        case 7: self = .rename(path, to: other)
        case 8: self = .link(path, to: other)
        case 9: self = .unlink(path)
        case 10: self = .makeFolder(path)
        case 11: self = .removeFolder(path)
        case 12: self = .mark(path)
        default: return nil
        }
    }
}

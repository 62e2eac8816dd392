// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Wire

/// One topic's folder of vector files.
struct VectorFolder: Sendable {
    let url: URL

    struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    func bytes(_ file: String) throws -> [UInt8] { Array(try Data(contentsOf: url.appending(path: file))) }

    func json<Value: Decodable>(_ file: String, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: url.appending(path: file)))
    }

    /// Every line but the first, which names the columns.
    func lines(_ file: String) throws -> [Substring] {
        String(decoding: try bytes(file), as: UTF8.self).split(whereSeparator: \.isNewline).dropFirst().map(\.self)
    }

    static func hex(_ text: some StringProtocol) throws -> [UInt8] {
        guard let bytes = Hex.decode(text) else { throw Unreadable(description: "not hexadecimal: \(text.prefix(80))") }
        return bytes
    }

    /// A value that a vector must hold for the rest of it to make sense.
    static func require<Value>(_ value: Value?, _ what: String) throws -> Value {
        guard let value else { throw Unreadable(description: "not \(what)") }
        return value
    }
}

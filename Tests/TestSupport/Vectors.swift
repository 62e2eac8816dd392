// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// Test data that others published, kept in `Tests/Vectors/<topic>/` with its provenance.
public enum Vectors {
    /// `Tests/Vectors`, found from where this file was compiled.
    private static var root: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Vectors")
    }

    /// The place of a file named as in `bencode/bencode.json`.
    public static func url(_ path: String) -> URL { root.appending(path: path) }

    public static func load(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: url(path))) }

    public static func text(_ path: String) throws -> String { String(decoding: try load(path), as: UTF8.self) }

    /// A JSON file; keys that `type` does not name are ignored.
    public static func json<Value: Decodable>(_ path: String, as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: url(path)))
    }
}

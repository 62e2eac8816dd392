// SPDX-License-Identifier: Apache-2.0
import TestSupport

/// `Tests/Vectors/roost/keys.json`: our formats, written by a second implementation.
struct KeyVectors: Decodable {
    struct Statements: Decodable {
        var root: String
        var next: String
        var recovery: String
        var afterRotate: String
        var afterRecover: String
        var id: String
        var create: String
        var update: String
        var rotate: String
        var recover: String
    }

    struct KeyFile: Decodable {
        var random: String
        var content: String
        var purpose: String
        var localKey: String
        var passphrase: String
        var passes: UInt32
        var kibibytes: UInt32
        var sealedByLocalKey: String
        var sealedByPassphrase: String
    }

    var deviceSeed: String
    var peerKeyOfMainline: String
    var deviceKeyOfIdentity: String
    var record: String
    var identity: Statements
    var recoveryKit: String
    var keyFile: KeyFile

    static func load() throws -> KeyVectors { try Vectors.json("roost/keys.json") }
}

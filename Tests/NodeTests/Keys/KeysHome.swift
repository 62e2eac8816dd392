// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import Storage

@testable import Node

/// A home that is gone when the test is done with it.
final class KeysHome: Sendable {
    let path = NSTemporaryDirectory() + "roost-keys-" + UUID().uuidString

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var home: Home { Home(path: path) }

    /// The keys as a program that starts now sees them.
    var keys: NodeKeys { NodeKeys(home: home) }

    /// The cheapest cost that is allowed: what a guess costs is the point elsewhere.
    func keys(passphrase: String?) -> NodeKeys {
        let cost = PassphraseCost(passes: 1, kibibytes: PassphraseCost.minimumKibibytes) ?? .standard
        return NodeKeys(home: home, passphrases: [.prompt { passphrase.map { Array($0.utf8) } }], cost: cost)
    }

    func text(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    func permissions(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    func copy(of name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    func put(_ bytes: [UInt8], _ name: String) throws {
        try home.write(bytes, to: path + "/" + name)
    }
}

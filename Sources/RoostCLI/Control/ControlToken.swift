// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Storage
internal import Wire

/// `control.token` in the home: who can read it may steer the node.
enum ControlToken {
    /// The token of the home; drawn anew, 256 bits, where there is none, it is damaged, or others could have read it.
    static func make(in home: Home) throws(NodeError) -> String {
        do throws(StorageError) {
            if isPrivate(home.controlToken), let known = try? home.read(home.controlToken, limit: 256),
                let token = token(in: known)
            {
                return token
            }
            var random = SystemRandomNumberGenerator()
            let token = Hex.encode((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
            try home.write(Array((token + "\n").utf8), to: home.controlToken)
            return token
        } catch {
            throw NodeError(error)
        }
    }

    /// The 64 hexadecimal digits of a line. A damaged one is no token: no client could say it.
    static func token(in file: [UInt8]) -> String? {
        let line = file.prefix { $0 != 0x0A }
        let text = String(decoding: line, as: UTF8.self)
        return line.count == 64 && Hex.decode(text) != nil ? text : nil
    }

    /// Where the mode cannot be told there is no file, or none to be trusted.
    private static func isPrivate(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let mode = attributes?[.posixPermissions] as? NSNumber else { return false }
        return mode.intValue & 0o077 == 0
    }
}

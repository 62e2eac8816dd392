// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Keys
internal import Storage
internal import Wire

extension RecoveryKit {
    /// SHA-256 of the public recovery key.
    var commitment: Digest256 { SigningKey(seed).publicKey.identifier }

    /// A kit from the text that a person gives. Throws `.badData` with what is wrong about it.
    init(reading text: String, of kind: Kind) throws(NodeError) {
        do throws(RecoveryKit.Failure) {
            try self.init(text)
        } catch {
            throw NodeError(.badData, Self.describe(error), remedy: "Compare it with the paper, group by group.")
        }
        guard self.kind == kind else {
            throw NodeError(
                .badData,
                "this is the recovery kit of \(self.kind == .site ? "a site" : "an identity")",
                remedy: "Give the kit of \(kind == .site ? "the site" : "the identity")."
            )
        }
    }

    private static func describe(_ failure: Failure) -> String {
        switch failure {
        case .unreadableCharacter(let character): "no recovery kit has the character '\(character)'"
        case .wrongLength(let received): "a recovery kit has 112 characters, and \(received) were given"
        case .wrongChecksum: "a character of the recovery kit is wrong"
        case .unsupportedVersion(let version): "the recovery kit was made by a later version of Roost (\(version))"
        }
    }

    /// The kit with what its owner must know about it.
    func page(at time: Int64) -> String {
        let subject = kind == .site ? "site betanet://\(subject)" : "identity \(subject)"
        return """
            # Recovery kit of the \(subject)
            # Made by roost, \(WallClock.text(time))
            #
            # Whoever has this can take over the \(kind == .site ? "site" : "identity"), and it is the one way to take it back
            # from a thief. Print it or move it away from this computer, and show it to nobody.

            \(text)
            """
    }
}

extension NodeKeys {
    /// Writes a kit to the home's folder for kits, durably, readable for its owner alone.
    ///
    /// - Returns: the path.
    func writeKit(_ kit: RecoveryKit, to name: String) throws(NodeError) -> String {
        let path = home.recovery + "/" + name
        do throws(StorageError) {
            try home.prepare()
            try home.write(Array(kit.page(at: WallClock.seconds).utf8), to: path)
        } catch {
            throw NodeError(error)
        }
        return path
    }

    func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
}

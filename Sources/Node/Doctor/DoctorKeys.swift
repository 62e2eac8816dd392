// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Storage
internal import Wire

/// Whether the key files of a home open, and whether any that was there is gone. Blocks; with a passphrase for a
/// noticeable part of a second a key.
struct DoctorKeys: Sendable {
    typealias Finding = DoctorReport.Finding

    let keys: NodeKeys
    /// Without it nothing is written.
    let repair: Bool

    /// What is wrong with one file that was opened.
    private struct Fault {
        let finding: Finding
        /// Whether that is the key which opens the others.
        var isOfLocalKey = false
    }

    /// Of all keys. Where all is well, how many there are.
    var findings: [Finding] {
        do throws(NodeError) {
            let names = try keys.names(startingWith: "")
            let faults = faults(names)
            var findings = faults.map(\.finding)
            // With the key that opens the others gone nothing more can be told of them.
            if !faults.contains(where: { $0.isOfLocalKey && $0.finding.state == "problem" }) {
                findings += try identities() + device() + known()
            }
            if repair {
                // What is missing stays written down; this adds what has come.
                try? keys.copyPublicHalves(evenWithPassphrase: true)
                try? keys.remember()
            }
            return findings.isEmpty ? [.ok("\(names.count) key files open")] : findings
        } catch {
            return [.problem(error.message, error.remedy)]
        }
    }

    // MARK: Files

    /// What is said of the files among those that do not open.
    func files(_ names: [String]) -> [Finding] { faults(names).map(\.finding) }

    private func faults(_ names: [String]) -> [Fault] {
        var faults: [Fault] = []
        for name in names {
            guard let error = failure(of: name) else { continue }
            let fault = fault(name, error)
            guard fault.isOfLocalKey else {
                faults.append(fault)
                continue
            }
            guard fault.finding.state == "repaired" else { return faults + [fault] }
            // What did not open with the old one may open with this.
            return [fault] + names.compactMap { name in failure(of: name).map { self.fault(name, $0) } }
        }
        return faults
    }

    private func failure(of name: String) -> KeyStoreError? {
        do throws(KeyStoreError) {
            _ = try keys.store.load(name)
            return nil
        } catch .noSuchKey {
            // Removed since the look at the names, as the key of a site that a crash left unfinished.
            return nil
        } catch {
            return error
        }
    }

    private func fault(_ name: String, _ error: KeyStoreError) -> Fault {
        switch error {
        case .damaged, .passphraseNeeded, .passphraseWrong:
            if let mended = mended(name) { return Fault(finding: mended) }
            fallthrough
        case .localKeyWrong:
            if let mended = mended(KeyStore.localKeyName) { return Fault(finding: mended, isOfLocalKey: true) }
        default: break
        }
        let known = NodeError(error)
        if case .damaged = error { return Fault(finding: .problem(known.message, NodeKeys.remedy(for: name))) }
        return Fault(finding: .problem(known.message, known.remedy), isOfLocalKey: keys.store.isOfLocalKey(error))
    }

    /// Sets right what one flipped bit has damaged; nil where that is not it.
    func mended(_ name: String) -> Finding? {
        guard let isMended = try? keys.store.mend(name, writes: repair), isMended else { return nil }
        if repair { return .repaired("a bit of keys/\(name).key was flipped, and is set right") }
        return .problem("a bit of keys/\(name).key is flipped", "Run `roost doctor`: it sets it right.")
    }

    // MARK: Identities

    private func identities() throws(NodeError) -> [Finding] {
        var findings: [Finding] = []
        let ids = try keys.identityIDs()
        for id in ids.sorted() {
            let name = NodeKeys.name(ofIdentity: id)
            var known: KnownIdentity?
            do throws(NodeError) {
                known = try keys.knownIdentity(id)
                if known == nil { findings += lost("keys/\(name).public is missing", id) }
            } catch {
                findings += lost("keys/\(name).public is damaged", id)
            }
            guard !keys.store.hasFile(name) else { continue }
            let called = known.map { "'\($0.name)'" } ?? id.hex
            findings.append(
                .problem(
                    "the key of the identity \(called), keys/\(name).key, is missing",
                    NodeKeys.remedy(forMissing: name)
                        + " To let it go for good, move keys/\(name).public away too, and delete \(keys.home.knownKeys)."
                )
            )
        }
        let gone = (try keys.knownKeys()?.identities ?? [:]).filter { !ids.contains($0.key) }
        return findings
            + gone.sorted { $0.key < $1.key }.map { id, called in
                let name = NodeKeys.name(ofIdentity: id)
                return .problem(
                    "the identity '\(called)' (\(id.hex)) is gone: neither its key nor what is public of it is in keys/",
                    "Put keys/\(name).key and keys/\(name).public back from a copy of the home, or take the identity in "
                        + "again with `roost id import FILE`, where it was exported. \(forgetting)"
                )
            }
    }

    /// The public half of an identity does not serve: it comes again from the key file.
    private func lost(_ what: String, _ id: Digest256) -> [Finding] {
        let name = NodeKeys.name(ofIdentity: id)
        // Without its key, or with one that does not open, that is what is said of the identity.
        guard keys.store.hasFile(name) else { return [] }
        do throws(NodeError) {
            if let copy = try keys.copyOfPublic(id) {
                guard repair else {
                    return [.problem(what, "Run `roost doctor`: it writes it anew from the key file.")]
                }
                try keys.save(copy)
                return [.repaired("\(what.replacing(" is ", with: " was ")), and is written anew from the key file")]
            }
        } catch {
            return []
        }
        return [
            .problem(
                what + ", and the key file has no copy of it",
                "Put keys/\(name).public back from a copy of the home; without one, move keys/\(name).key away, and take the "
                    + "identity in again with `roost id import FILE`, where it was exported."
            )
        ]
    }

    // MARK: The device

    private func device() throws(NodeError) -> [Finding] {
        if keys.hasLostDeviceFile {
            guard repair else {
                return [
                    .problem(
                        "keys/device.key is missing; the node that runs still has the key",
                        "Run `roost doctor` before the node ends: it writes the file anew."
                    )
                ]
            }
            try keys.restoreDeviceFile()
            return [.repaired("keys/device.key was missing, and is written anew by the node that has the key")]
        }
        guard let was = try keys.knownKeys()?.device else { return [] }
        let before = KnownKeys.text(was)
        guard let peer = try? keys.peerOfDeviceFile() else {
            // One that does not open has been said.
            guard !keys.hasDeviceFile else { return [] }
            return [
                .problem(
                    "keys/device.key is missing, with which this home is \(before)",
                    "Put it back from a copy of the home before a node starts: that draws another key, and this home is "
                        + "another device then."
                )
            ]
        }
        guard peer.digest != was else { return [] }
        return [
            .problem(
                "keys/device.key was lost: this home was \(before), and is another device and the peer \(peer) now",
                "End the node and put the old file back from a copy of the home. Without one, admit this device to your "
                    + "identities with `roost device add --name NAME`. \(forgetting)"
            )
        ]
    }

    private var forgetting: String { "To let it go for good, delete \(keys.home.knownKeys)." }

    // MARK: What was there

    private func known() throws(NodeError) -> [Finding] {
        guard try keys.knownKeys() == nil else { return [] }
        let path = keys.home.knownKeys
        guard repair else {
            return [.problem("\(path) is damaged", "Run `roost doctor`: it makes it anew of the keys that are here.")]
        }
        try keys.remember(replacing: true)
        return [.repaired("\(path) was damaged, and is made anew of the keys that are here")]
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Storage
internal import Wire

/// A trial of which is also looked at what is left when the disk lied at its syncs.
protocol LyingTrial: Trial {
    /// What does not hold of the state that stands at the root now, of the little that can be promised then.
    func lookAfterLies() async -> AfterLies.Result
}

/// What a node still owes to its user when the disk has lost what it said it had: whatever has been acknowledged may be
/// gone, but nothing wrong is shown, what is lost is said, and the same commands work again.
///
/// A node that does not start must say what is damaged, and start when the doctor has mended it, or what cannot be mended
/// was moved away as its error says.
struct AfterLies {
    /// Of the node.
    let home: String
    /// Before the doctor has looked; it may fail, and what it shows nevertheless must be right.
    var early: @Sendable (TestNode) async -> [String] = { _ in [] }
    /// The user's command once more: what of it does not work.
    let goOn: @Sendable (TestNode) async throws(NodeError) -> [String]

    struct Result {
        var faults: [String] = []
        /// What its user had to mend or move away before the node started.
        var moved: [String] = []
    }

    /// What is to be done, as an error's remedy puts it.
    private enum Damaged {
        /// Mended by `roost doctor`, as far as it goes.
        case home
        case key(String)
        case keys
        /// There is no database that tells what it is.
        case content

        var name: String {
            switch self {
            case .home: "the home"
            case .key(let name): name
            case .keys: "the keys"
            case .content: "content/"
            }
        }

        func mend(in home: Home) throws(NodeError) {
            switch self {
            case .home: _ = try HomeDoctor(home: home).run(repair: true)
            case .key(let name): Folder.remove("\(home.path)/\(name)")
            case .keys: Folder.remove(home.keys)
            case .content: Folder.remove(home.content)
            }
        }

        /// `isMended`: the doctor has done what it can.
        static func of(_ error: NodeError, isMended: Bool) -> Damaged? {
            if !isMended, error.remedy.contains("run `roost doctor`") || error.remedy.contains("Run `roost doctor`") {
                return .home
            }
            if error.remedy.contains("move the folder keys/ away") { return .keys }
            if error.remedy.contains("move the folder content/ away") { return .content }
            return error.remedy.firstMatch(of: /move (keys\/[^ ]+\.key) away/).map { .key(String($0.1)) }
        }
    }

    private enum Look {
        case faults([String])
        case damaged(Damaged, String)
    }

    func result() async -> Result {
        var moved: [String] = []
        while true {
            switch await onNode(isMended: moved.contains(Damaged.home.name), look) {
            case .faults(let faults): return Result(faults: faults, moved: moved)
            case .damaged(let what, let message):
                guard !moved.contains(what.name) else {
                    return Result(faults: ["\(what.name) damaged again when new: \(message)"], moved: moved)
                }
                do throws(NodeError) { try what.mend(in: Home(path: home)) } catch {
                    return Result(faults: ["\(what.name) cannot be mended: \(error.message)"], moved: moved)
                }
                moved.append(what.name)
            }
        }
    }

    private func onNode(isMended: Bool, _ body: (TestNode) async throws(NodeError) -> Look) async -> Look {
        let node: TestNode
        do throws(NodeError) { node = try await TestNode(home: home) } catch {
            return Self.look(error, "the node does not start", isMended: isMended)
        }
        let look: Look
        do throws(NodeError) { look = try await body(node) } catch {
            look = Self.look(error, "it goes not on", isMended: isMended)
        }
        await node.stop()
        return look
    }

    private static func look(_ error: NodeError, _ what: String, isMended: Bool) -> Look {
        if let damaged = Damaged.of(error, isMended: isMended) { return .damaged(damaged, error.message) }
        return .faults(["\(what): \(error.kind): \(error.message) (\(error.remedy))"])
    }

    /// Reads first: what is damaged must not be shown before the doctor has looked, either.
    private func look(_ node: TestNode) async throws(NodeError) -> Look {
        var faults = try await read(node).faults + (await early(node))
        let report = try await node.node.doctor(repair: false) { _ in }
        if let found = report.findings.first(where: { $0.state == "problem" && $0.what.hasPrefix("the database: ") }) {
            return .damaged(.home, found.what)
        }
        let said = report.findings.filter { $0.state != "ok" && !$0.what.hasPrefix("only ") }
        let after = try await read(node)
        faults += after.faults
        // What the look at it has taken out of service the node no longer believes to hold, unless it must.
        if let lost = after.lost.first, said.isEmpty { faults.append("the doctor does not say what is lost: \(lost)") }
        // So far it has only looked. Of what it does when asked to repair, the user who goes on waits for no peer.
        if report.findings.contains(where: { $0.remedy?.contains("Run `roost doctor`") == true }) {
            try await node.node.setAsideDamaged()
        }
        faults += try await goOn(node)
        return .faults(faults)
    }

    /// Wrong bytes that are shown, and what the node believes to hold and cannot show.
    private func read(_ node: TestNode) async throws(NodeError) -> (faults: [String], lost: [String]) {
        var (faults, lost): ([String], [String]) = ([], [])
        for site in try await node.node.sites() {
            guard let id = Digest256(hex: site.site.suffix(64)), site.seq > 0 else { continue }
            for seq in 1...site.seq {
                let found = await node.readable(of: id, .sequence(seq))
                for (path, bytes) in found.files where !SampleFolder.has(bytes, at: path) {
                    faults.append("release \(seq) shows other bytes of \(path)")
                }
                guard site.own || (seq == site.seq && site.stored == site.bytes) else { continue }
                lost += found.errors.map { "release \(seq): \($0)" }
            }
        }
        return (faults, lost)
    }
}

extension PublishTrial: LyingTrial {
    func lookAfterLies() async -> AfterLies.Result {
        await AfterLies(home: root + "/home") { node throws(NodeError) in
            do throws(NodeError) {
                return try await goOn(node)
            } catch {
                // Its keys or its history are lost: the errors name the way that is left.
                guard error.remedy.contains("--new") else { throw error }
                return try await goOn(node, new: true)
            }
        }
        .result()
    }
}

extension FetchTrial: LyingTrial {
    func lookAfterLies() async -> AfterLies.Result {
        await AfterLies(home: root + "/home") { node in
            (try? await again(node, to: "early")) ?? []
        } goOn: { node throws(NodeError) in
            try await again(node, to: "again")
        }
        .result()
    }

    private func again(_ node: TestNode, to folder: String) async throws(NodeError) -> [String] {
        try await fetch(node, to: folder)
        return exported(folder) == SampleFolder.version(1) ? [] : ["what is fetched to '\(folder)' is not the site"]
    }
}

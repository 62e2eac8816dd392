// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Keys
public import Storage
internal import Wire

/// Looks, on a home on which no node runs, over what a node cannot start without, or cannot mend while it runs: the
/// file `version`, the keys of the device, the database; and over what it would change by starting, as packs that are not
/// whole.
public struct HomeDoctor: Sendable {
    /// What was found, and whether a node may be started for the rest.
    public struct Result: Equatable, Sendable {
        /// None of them is `ok`.
        public var findings: [DoctorReport.Finding] = []
        /// False where none would start, or one that does would change what was only to be looked at.
        public var mayStart = true

        /// Nothing found.
        public init() {}
    }

    private let home: Home
    private let keys: NodeKeys

    /// Nothing is read yet.
    public init(home: Home) {
        self.home = home
        keys = NodeKeys(home: home)
    }

    /// Holds the home meanwhile: throws `.busy` where a node has it. Without `repair` nothing in it changes but the lock, and
    /// what SQLite keeps beside a database while it is open.
    public func run(repair: Bool) throws(NodeError) -> Result {
        do {
            guard let lock = try home.hold() else { return Result() }
            var result = Result()
            try version(repair: repair, &result)
            try device(repair: repair, &result)
            try database(repair: repair, &result)
            packs(repair: repair, &result)
            withExtendedLifetime(lock) {}
            return result
        } catch {
            throw NodeError(unexpected: error)
        }
    }

    private func version(repair: Bool, _ result: inout Result) throws(StorageError) {
        guard home.hasLostVersion || home.hasDamagedVersion else { return }
        guard repair else {
            result.mayStart = false
            result.findings.append(
                .problem("the file \(home.path)/version is damaged", "Run `roost doctor`: it writes it anew.")
            )
            return
        }
        try home.replaceDamagedVersion()
        result.findings.append(.repaired("the file \(home.path)/version was damaged, and is written anew"))
    }

    // MARK: Keys

    private func device(repair: Bool, _ result: inout Result) throws(NodeError) {
        let known = try keys.knownKeys()?.device
        guard keys.hasDeviceFile else {
            // With repair the node that starts draws another key, and the doctor in it says so.
            let others = try keys.names(startingWith: "")
            guard known != nil || !others.isEmpty, !repair else { return }
            result.mayStart = false
            result.findings.append(
                .problem(
                    "keys/device.key is missing"
                        + (known.map { ", with which this home is \(KnownKeys.text($0))" } ?? ""),
                    "Put it back from a copy of the home. Without one, `roost doctor` starts a node, which draws another key: "
                        + "this home is another device then, and keeps its identities and sites."
                )
            )
            return
        }
        let doctor = DoctorKeys(keys: keys, repair: repair)
        // What a passphrase seals is opened by the node, which asks for it.
        let findings =
            keys.needsPassphrase
            ? [doctor.mended(NodeKeys.deviceName)].compactMap(\.self) : doctor.files([NodeKeys.deviceName])
        result.findings += findings
        if findings.contains(where: { $0.state == "problem" }) { result.mayStart = false }
    }

    // MARK: The database

    private func database(repair: Bool, _ result: inout Result) throws {
        if home.hasLostDatabase {
            // Whether to begin anew is its owner's to say: what a copy brings back must still be here then.
            let error = NodeError(lostDatabaseOf: home)
            result.mayStart = false
            result.findings.append(.problem(error.message, error.remedy))
            return
        }
        let faults: [String]?
        do throws(MetadataError) { faults = try MetadataStore.inspect(path: home.database) } catch {
            guard case .damaged = error else { throw error }
            return try rescue("it cannot be read", mayStart: false, repair: repair, &result)
        }
        // It says in one line which database it means, and in the next what is wrong.
        guard let fault = faults?.first?.split(separator: "\n").last else { return }
        try rescue("SQLite says: \(fault)", mayStart: true, repair: repair, &result)
    }

    private func rescue(_ fault: String, mayStart: Bool, repair: Bool, _ result: inout Result) throws {
        guard repair else {
            // What a node that starts finds damaged it says itself.
            if mayStart { return }
            result.mayStart = false
            result.findings.append(
                .problem(
                    "the database \(home.database) is damaged: \(fault)",
                    "Run `roost doctor`: it copies what can be read into a new one, and keeps the damaged one in quarantine/."
                )
            )
            return
        }
        let rescue = try MetadataRescue(home: home)
        try knowOwnSites()
        let kept = "the damaged one is kept as \(rescue.kept)"
        if rescue.rows > 0 {
            result.findings.append(
                .repaired(
                    "the database was damaged (\(fault)): \(rescue.rows) rows were copied into a new one; \(kept)"
                )
            )
        }
        guard !rescue.incomplete.isEmpty else { return }
        let tables = rescue.incomplete.joined(separator: ", ")
        result.findings.append(
            .problem(
                rescue.rows > 0
                    ? "not all of the database could be read: rows of \(tables) may be lost"
                    : "nothing of the database could be read (\(fault)), and it is begun anew; \(kept)",
                "Put metadata.sqlite back from a copy of the home while no node runs, if there is one. Else publish the folders "
                    + "of your sites again, and pin again what you had pinned."
            )
        )
    }

    /// Own sites of which the row was lost, and the history was not. The next publish names their folders again.
    private func knowOwnSites() throws {
        let metadata = try MetadataStore(path: home.database)
        for site in try keys.ownSites() {
            try metadata.write { connection in
                guard try connection.site(site) == nil, let bytes = try connection.feed(of: site),
                    let feed = try? SiteFeed(encoded: bytes, site: site)
                else { return }
                let key = feed.state.siteKey
                try connection.save(SiteRecord(id: site, key: key, isOwn: true, addedAt: WallClock.seconds))
            }
        }
    }
    // MARK: Packs

    /// With repair the store that is opened keeps what is sound in them; the doctor in the node has them written anew, and
    /// says so.
    private func packs(repair: Bool, _ result: inout Result) {
        let broken = repair ? [] : home.brokenPacks
        guard !broken.isEmpty else { return }
        result.mayStart = false
        result.findings.append(
            .problem(
                "\(broken.count) packs of small files are not whole: \(broken.joined(separator: ", ")) in content/packs/",
                "Run `roost doctor`: what is sound in them is kept, the rest is let go, and comes again from folders or peers."
            )
        )
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Storage
internal import Wire

/// The new sites whose keys are on disk before their first entry is.
///
/// A note precedes the keys, and goes in the transaction that makes the site. So after a crash in between, keys of a
/// site that never came to be are told from keys that the user has put there, which nothing may remove.
struct BegunSites: Sendable {
    let context: NodeContext
    /// Tells the notes of this node's run from those of runs that ended before it.
    private let run = UInt64.random(in: 0...UInt64.max)

    init(context: NodeContext) {
        self.context = context
    }

    private static let prefix = "site.begun."

    /// Draws the keys of a new site. Blocks.
    func create() throws(NodeError) -> NewSite {
        let run = run
        let metadata = context.metadata
        return try context.keys.createSite { site throws(NodeError) in
            do {
                try metadata.write { try $0.saveSetting(Self.prefix + site.hex, Array("\(run)".utf8)) }
            } catch {
                throw NodeError(unexpected: error)
            }
        }
    }

    /// The site has come to be, in the transaction of `connection`.
    static func finish(_ site: Digest256, in connection: MetadataConnection) throws {
        try connection.saveSetting(prefix + site.hex, nil)
    }

    static func isBegun(_ site: Digest256, in connection: MetadataConnection) throws -> Bool {
        try connection.setting(prefix + site.hex) != nil
    }

    /// Takes a site back that has not come to be. Blocks.
    func discard(_ site: Digest256) throws {
        try context.keys.discard(site)
        try context.metadata.write { try Self.finish(site, in: $0) }
    }

    /// Takes back what earlier runs of this home have not finished; answers how many. Blocks.
    @discardableResult
    func clear() throws -> Int {
        let notes = try context.metadata.read { try $0.settings(startingWith: Self.prefix) }
        var count = 0
        for (name, value) in notes where String(decoding: value, as: UTF8.self) != "\(run)" {
            guard let site = Digest256(hex: name.dropFirst(Self.prefix.count)) else { continue }
            let isThere = try context.metadata.read { try $0.site(site) != nil || $0.highestHead(of: site) != nil }
            if isThere {
                try context.metadata.write { try Self.finish(site, in: $0) }
            } else {
                try discard(site)
                count += 1
            }
        }
        return count
    }
}

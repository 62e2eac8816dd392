// SPDX-License-Identifier: Apache-2.0
internal import Storage
internal import Wire

/// Which site a folder's next release belongs to. What is not certain is refused with the choices, never guessed: a
/// release under the wrong site cannot be taken back from those who have read it.
enum PublishTarget: Equatable, Sendable {
    /// A site that begins with this release.
    case new
    case existing(Digest256)

    /// All that the decision rests on.
    struct Situation: Sendable {
        /// Absolute, links resolved.
        var folder: String
        var marker: SourceFolder.Marker
        /// Own sites whose last release came from this folder.
        var publishedFrom: [Digest256] = []
        /// Where the site that the marker names was last published from; nil where that is here or unknown.
        var otherFolder: String?
        /// Whether that other folder is still there with the same marker: one of the two is a copy.
        var isCopied = false
        /// Whether the keys of the site of the marker or of `--site` are in this home.
        var hasKeys: @Sendable (Digest256) -> Bool
    }

    /// Decides by the flags and what the home and the folder know; `site` is what `--site` names.
    static func decide(site: Digest256?, new: Bool, _ situation: Situation) throws(NodeError) -> PublishTarget {
        switch (site, new) {
        case (_?, true):
            throw NodeError(.usage, "--new makes a new site, --site updates one", remedy: "Give one of the two.")
        case (nil, true): return .new
        case (let site?, false): return .existing(try situation.named(site))
        case (nil, false): return try situation.unnamed()
        }
    }
}

extension PublishTarget.Situation {
    /// `--site`: the word of a person outweighs everything but a marker that says something else.
    fileprivate func named(_ site: Digest256) throws(NodeError) -> Digest256 {
        guard hasKeys(site) else { throw noKeys(site, choices: "or publish as a new site with --new") }
        if case .site(let marked) = marker, marked != site {
            throw NodeError(
                .usage,
                "\(folder) belongs to \(address(marked)), not to \(address(site))",
                remedy: """
                    Leave --site away to publish to the folder's own site, use --new for a new one, or remove \
                    \(folder)/\(SourceFolder.markerName) and try again.
                    """
            )
        }
        return site
    }

    fileprivate func unnamed() throws(NodeError) -> PublishTarget {
        switch marker {
        case .absent:
            guard let known = publishedFrom.first else { return .new }
            throw NodeError(
                .usage,
                "\(folder) was published as \(address(known)), and its marker is gone",
                remedy: "Choose: --site \(address(known)) for the next release of that site, or --new for a new site."
            )
        case .unreadable:
            let known = publishedFrom.first.map(address) ?? "ADDRESS"
            throw NodeError(
                .usage,
                "\(folder)/\(SourceFolder.markerName) names no site",
                remedy: "Choose: --site \(known) to update a site, or --new for a new one; either replaces the marker."
            )
        case .site(let marked): return .existing(try self.marked(marked))
        }
    }

    private func marked(_ site: Digest256) throws(NodeError) -> Digest256 {
        guard hasKeys(site) else { throw noKeys(site, choices: "or publish the folder as a new site with --new") }
        if let other = publishedFrom.first(where: { $0 != site }) {
            throw NodeError(
                .usage,
                "\(folder) has the marker of \(address(site)), and was last published as \(address(other))",
                remedy: """
                    Choose: --site \(address(site)), or --new for a new site, or remove \
                    \(folder)/\(SourceFolder.markerName) and give --site \(address(other)).
                    """
            )
        }
        if isCopied, let otherFolder {
            throw NodeError(
                .usage,
                "\(folder) and \(otherFolder) both have the marker of \(address(site)): one is a copy",
                remedy: "Choose: --site \(address(site)) to publish it from here from now on, or --new for a new site."
            )
        }
        return site
    }

    private func noKeys(_ site: Digest256, choices: String) -> NodeError {
        NodeError(
            .notPermitted,
            "the keys of \(address(site)) are not in this home",
            remedy: "Publish in the home that has them, take the site back with its recovery kit, \(choices)."
        )
    }

    private func address(_ site: Digest256) -> String { SiteAddress.site(site).text }
}

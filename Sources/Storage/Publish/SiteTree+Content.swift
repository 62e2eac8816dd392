// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Synchronization
public import Wire

extension SiteTree {
    /// The `pieces` string of the v1 twin, by hashing the files that the store holds: for a reader, who got them by v2,
    /// and for an old release.
    ///
    /// Blocks for as long as reading the release takes. Nil where a file is missing or shorter than it should be.
    public func v1Pieces(
        from content: ContentStore,
        options: PublishOptions = PublishOptions()
    ) throws(PublishError) -> [UInt8]? {
        let plan = HashPlan(
            lengths: manifest.files.map(\.length),
            pieceLength: pieceLength,
            v1: .contiguous,
            hasV2: false
        )
        guard let plan else { throw .tooLarge(limit: TorrentSpecification.maximumTotalLength) }
        let sources = manifest.files.map { $0.root.map { SnapshotHashing.Source.held(root: $0) } ?? .empty }
        return try SnapshotHashing.run(plan, sources: sources, content: content, options: options) { _ in }?.v1Pieces
    }

    /// The files that the store does not hold complete, by number.
    public func missingFiles(in content: ContentStore) -> [Int] { manifest.missingFiles(in: content) }
}

extension ReleaseManifest {
    /// The numbers of the files that are not in the store whole. Costs a look at the place of each.
    public func missingFiles(in content: ContentStore) -> [Int] {
        files.indices.filter { index in
            guard let root = files[index].root else { return false }
            return content.length(of: .file(root: root)) != files[index].length
        }
    }

    /// The roots of ``missingFiles(in:)``.
    public func missingRoots(in content: ContentStore) -> Set<Digest256> {
        Set(missingFiles(in: content).compactMap { files[$0].root })
    }
}

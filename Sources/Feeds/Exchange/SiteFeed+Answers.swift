// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SiteFeed {
    /// What a holder of this feed answers; nil for directory nodes, which the store has.
    ///
    /// `holds` names releases whose files this peer has completely.
    public func answer(_ query: SiteQuery, holds: [Int64] = []) -> Result<SiteAnswer, SiteAnswerRefusal>? {
        let answer: SiteAnswer?
        switch query {
        case .node, .path, .front: return nil
        case .key: answer = .key(state.siteKey)
        case .head:
            answer = .head(head.bytes, holds: Array(holds.suffix(SiteExchangeSpecification.heldReleases)))
        case .entries(let from, let offset):
            let limit = SiteExchangeSpecification.contentBytes
            answer = EntryStream.part(of: log.entries, from: from, offset: offset, limit: limit)
                .map { .entries(from: from, offset: offset, $0) }
        case .consistency(let old, let new):
            answer = log.tree.consistencyProof(from: old, to: new).map { .proof($0) }
        case .inclusion(let index, let size):
            answer = log.tree.inclusionProof(of: index, in: size).map { .proof($0) }
        }
        return answer.map { .success($0) } ?? .failure(SiteAnswerRefusal(reason: .notHeld))
    }
}

/// A refusal as an error, for `Result`.
public struct SiteAnswerRefusal: Error, Equatable {
    /// As the asker is told.
    public let reason: SiteRefusal
}

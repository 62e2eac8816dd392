// SPDX-License-Identifier: Apache-2.0
public import Wire

extension TorrentSession {
    /// What trackers are told: the counters of BEP 3. Port 0 where nobody can connect to us; key and event are the caller's.
    public func announce(of hash: Digest160, key: UInt32) -> AnnounceRequest {
        var request = AnnounceRequest(
            hash: hash,
            peerID: configuration.peerID,
            port: configuration.listenPort ?? 0,
            key: key
        )
        request.uploaded = uploaded
        request.downloaded = downloaded
        if let content {
            let missing = Int64(missingCount) * Int64(content.pieceLength)
            request.left = min(missing, content.map?.contentLength ?? missing)
        }
        return request
    }

    /// BEP 21: nothing more is wanted, though something is missing.
    public var isPartialSeed: Bool { isComplete && !have.isFull }
}

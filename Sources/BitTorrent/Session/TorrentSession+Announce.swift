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
            // Of the whole torrent: who wants nothing yet, or has a part that is enough for him, is no seed (BEP 21).
            let missing = Int64(content.pieceCount - have.setCount) * Int64(content.pieceLength)
            request.left = min(missing, content.map?.contentLength ?? missing)
        }
        return request
    }

    /// BEP 21: nothing more is wanted, though something is missing.
    public var isPartialSeed: Bool { isComplete && !have.isFull }
}

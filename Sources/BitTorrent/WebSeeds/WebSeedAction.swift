// SPDX-License-Identifier: Apache-2.0
public import Wire

extension WebSeed {
    /// Why a web seed is given up for good.
    public enum Retirement: Equatable, Sendable {
        /// An answer that is none, or of another length than the torrent says.
        case malformed
        case status(Int)
        case noRanges
        case badRedirect
        /// It has none of the files.
        case empty
        case forbidden
    }

    /// What the driver does: connections, timers and the disk are its own.
    public enum Action: Equatable, Sendable {
        /// Connect to the server of the URL, then call `connected` or `closed`. `isGiven`: it is the torrent's own URL and no
        /// redirect's.
        case connect(ServiceURL, isGiven: Bool)
        case request(ServiceURL, range: Range<Int64>?)
        /// Close the connection; nothing of it is to be reported any more.
        case disconnect
        /// The next bytes of the input at hand are data.
        case deliver(Int)
        /// The next bytes of the input at hand are of no use.
        case skip(Int)
        /// So many zeros are data: padding, of which no server knows.
        case zeros(Int)
        /// Nothing of what was asked for will come; `lacks`: the seed does not have these pieces.
        case fail(lacks: Range<PieceIndex>?)
        case setReady(Bool)
        /// The seed is of no use; nothing follows.
        case retire(Retirement)
        /// Call `wake` at this time; replaces the time given before.
        case wake(at: Duration)
    }
}

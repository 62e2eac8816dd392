// SPDX-License-Identifier: Apache-2.0

extension MagnetError: CustomStringConvertible {
    /// For people, to stand behind a colon.
    public var description: String {
        switch self {
        case .notMagnet: "it does not begin with magnet:?"
        case .tooLong(let limit): "it has more than \(limit) bytes"
        case .invalidEscape: "a % in it is not followed by two hexadecimal digits"
        case .invalidInfoHash: "an infohash or key in it has a wrong length or wrong characters"
        case .missingInfoHash: "it names neither a torrent (xt=urn:btih, xt=urn:btmh) nor a publisher (xs=urn:btpk)"
        case .invalidSalt: "its salt is not hexadecimal, or has more than 64 bytes"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Why a text is no magnet link that names a torrent.
public enum MagnetError: Error, Equatable {
    /// It does not start with `magnet:?`.
    case notMagnet
    /// Longer, in bytes, than the limit.
    case tooLong(limit: Int)
    /// A `%` without two hexadecimal digits in a part that matters.
    case invalidEscape
    /// An infohash or key of another length or with another alphabet than its kind has.
    case invalidInfoHash
    /// Neither `xt=urn:btih`, `xt=urn:btmh` nor `xs=urn:btpk`.
    case missingInfoHash
    /// A salt that is not hexadecimal or over 64 bytes (BEP 44).
    case invalidSalt
}

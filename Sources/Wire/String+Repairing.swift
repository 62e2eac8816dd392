// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Words of a stranger: at most so many bytes of UTF-8, with U+FFFD for whatever was not UTF-8.
    ///
    /// The bound holds after the repair, which makes a byte into three; so the words read the same when they are written and read
    /// again.
    public init(repairing bytes: some Collection<UInt8>, atMost bound: Int) {
        var kept = "".unicodeScalars
        var room = bound
        for scalar in String(decoding: bytes.prefix(bound), as: UTF8.self).unicodeScalars {
            room -= UTF8.width(scalar)
            if room < 0 { break }
            kept.append(scalar)
        }
        self.init(kept)
    }
}

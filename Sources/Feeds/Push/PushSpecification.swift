// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

/// The fixed numbers and places of push (`docs/protocols/push.md`).
public enum PushSpecification {
    /// The name in the `m` dictionary of the extension handshake (BEP 10).
    public static let extensionName = "rs_push"
    /// The largest message, in bytes, without the length prefix and the two id bytes.
    public static let messageBytes = 1024
    /// In how many places of the DHT keepers announce themselves, so that no node of it has to answer for all.
    public static let places = 32
    /// For both handshakes, and for the answer to an offer.
    public static let answerTime = Duration.seconds(15)
    /// A keeper that is at work says so at least this often.
    public static let progressInterval = Duration.seconds(5)
    /// A keeper that says nothing for this long is left.
    public static let silence = Duration.seconds(30)
    /// A keeper that is at work and gets no further for this long is left.
    public static let standstill = Duration.seconds(120)
    /// How many copies may be asked for.
    public static let copies = 1...200

    /// Where those keepers announce who have this number; also what stands for the infohash when they are dialled.
    ///
    /// The first 20 bytes of SHA-256("roost push " and the number in decimal digits).
    public static func place(_ number: Int) -> Digest160 {
        Hash.sha256(Array("roost push \(number)".utf8)).truncated
    }
}

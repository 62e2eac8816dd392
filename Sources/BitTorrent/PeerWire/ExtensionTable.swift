// SPDX-License-Identifier: Apache-2.0

/// The extensions of one connection: our numbers by name, and the other side's.
///
/// Memory: at most ``ExtensionHandshake/maximumExtensions`` names of 64 bytes.
public struct ExtensionTable: Sendable {
    /// Names that this program knows.
    public enum Name {
        /// The info dictionary (BEP 9).
        public static let metadata = "ut_metadata"
        /// Peer exchange (BEP 11).
        public static let peerExchange = "ut_pex"
        /// A piece is here no more (BEP 54).
        public static let doNotHave = "lt_donthave"
        /// Whether a side wants nothing (BEP 21, as libtorrent sends it when that changes).
        public static let uploadOnly = "upload_only"
        /// Introductions of peers that cannot be dialled (BEP 55).
        public static let holepunch = "ut_holepunch"
    }

    /// The numbers under which we take extensions, from 1.
    public let ours: [String: UInt8]
    /// The numbers under which the other side takes extensions; empty before its handshake.
    public private(set) var theirs: [String: UInt8] = [:]

    /// - Parameter names: the extensions that we take, at most 255.
    public init(names: [String]) {
        var numbers: [String: UInt8] = [:]
        for (index, name) in names.prefix(255).enumerated() { numbers[name] = UInt8(index + 1) }
        ours = numbers
    }

    /// A later handshake changes only what it names (BEP 10).
    public mutating func merge(_ handshake: ExtensionHandshake) {
        for (name, number) in handshake.extensions {
            if number == 0 {
                theirs[name] = nil
            } else if theirs.count < ExtensionHandshake.maximumExtensions || theirs[name] != nil {
                theirs[name] = number
            }
        }
    }

    /// The extension that a received number stands for.
    public func name(of number: UInt8) -> String? { ours.first { $0.value == number }?.key }
}

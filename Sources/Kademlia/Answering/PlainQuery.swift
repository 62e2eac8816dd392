// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A query as nearly everybody sends it, read where it lies: nothing is copied but two ids.
///
/// Keys ascend, as BEP 3 wants; the method is one that reads; the arguments are those of BEP 5, 32 and 44. Whatever differs
/// in the least is no plain query and goes through ``KRPCMessage``, which decides: the two never disagree on what they
/// both read.
struct PlainQuery {
    enum Method {
        case ping
        case findNode
        case getPeers
        case get
    }

    private(set) var method = Method.ping
    private(set) var sender = NodeID.zero
    /// Of `find_node` and `get`, or the infohash of `get_peers`.
    private(set) var target = NodeID.zero
    /// Where `t` lies in the datagram.
    private(set) var transaction = 0..<0
    private(set) var wantsV4 = false
    private(set) var wantsV6 = false
    /// `seq` (BEP 44): the value is only wanted if it is newer.
    private(set) var sequence: Int64?
    private(set) var isReadOnly = false

    private var hasSender = false
    private var hasTarget = false
    private var hasInfoHash = false

    /// Nil for anything else than a plain query.
    init?(_ bytes: Span<UInt8>) {
        guard bytes.count <= Self.longest, bytes.count > 2, bytes[0] == UInt8(ascii: "d") else { return nil }
        var offset = 1
        var last: UInt128 = 0
        var methodName: UInt128 = 0
        var isQuery = false
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "e") {
            guard let key = Self.key(bytes, &offset), key > last else { return nil }
            last = key
            switch key {
            case Key.arguments: guard readArguments(bytes, &offset) else { return nil }
            case Key.method:
                guard let name = Self.string(bytes, &offset), let packed = Self.packed(bytes, name) else { return nil }
                methodName = packed
            case Key.readOnly:
                guard let value = Self.integer(bytes, &offset) else { return nil }
                isReadOnly = value == 1
            case Key.transaction:
                guard let range = Self.string(bytes, &offset) else { return nil }
                transaction = range
            case Key.kind:
                guard let range = Self.string(bytes, &offset) else { return nil }
                isQuery = range.count == 1 && bytes[range.lowerBound] == UInt8(ascii: "q")
            default: guard Self.skip(bytes, &offset) else { return nil }
            }
        }
        guard isQuery, offset == bytes.count - 1, hasSender, choose(methodName),
            (1...KRPCMessage.maximumTransaction).contains(transaction.count)
        else { return nil }
    }

    /// Nothing plain is longer.
    private static let longest = 512

    private mutating func choose(_ name: UInt128) -> Bool {
        switch name {
        case Key.ping: method = .ping
        case Key.findNode where hasTarget && !hasInfoHash: method = .findNode
        case Key.getPeers where hasInfoHash && !hasTarget: method = .getPeers
        case Key.get where hasTarget && !hasInfoHash: method = .get
        default: return false
        }
        return true
    }

    private mutating func readArguments(_ bytes: Span<UInt8>, _ offset: inout Int) -> Bool {
        guard bytes[offset] == UInt8(ascii: "d") else { return false }
        offset += 1
        var last: UInt128 = 0
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "e") {
            guard let key = Self.key(bytes, &offset), key > last else { return false }
            last = key
            switch key {
            case Key.id: hasSender = Self.readID(bytes, &offset, into: &sender)
            case Key.target: hasTarget = Self.readID(bytes, &offset, into: &target)
            case Key.infoHash: hasInfoHash = Self.readID(bytes, &offset, into: &target)
            case Key.sequence:
                guard let value = Self.integer(bytes, &offset) else { return false }
                sequence = value
            case Key.want: guard readWant(bytes, &offset) else { return false }
            default: return false
            }
            // What is there must be well-formed, or the message is no plain one.
            guard key != Key.id || hasSender, key != Key.target || hasTarget, key != Key.infoHash || hasInfoHash else {
                return false
            }
        }
        offset += 1
        return offset < bytes.count
    }

    private mutating func readWant(_ bytes: Span<UInt8>, _ offset: inout Int) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "l") else { return false }
        offset += 1
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "e") {
            guard let range = Self.string(bytes, &offset), let name = Self.packed(bytes, range) else { return false }
            if name == Key.n4 { wantsV4 = true }
            if name == Key.n6 { wantsV6 = true }
        }
        offset += 1
        return true
    }
}

/// The pieces of bencoding that a plain query is made of. None reads past the end.
extension PlainQuery {
    /// Names of up to 15 bytes as numbers that are ordered as the names are: the bytes, then the length.
    private enum Key {
        static let arguments = pack("a")
        static let method = pack("q")
        static let readOnly = pack("ro")
        static let transaction = pack("t")
        static let kind = pack("y")
        static let id = pack("id")
        static let infoHash = pack("info_hash")
        static let sequence = pack("seq")
        static let target = pack("target")
        static let want = pack("want")
        static let n4 = pack("n4")
        static let n6 = pack("n6")
        static let ping = pack("ping")
        static let findNode = pack("find_node")
        static let getPeers = pack("get_peers")
        static let get = pack("get")

        private static func pack(_ name: StaticString) -> UInt128 {
            var packed: UInt128 = 0
            var count: UInt128 = 0
            for byte in "\(name)".utf8 {
                packed = packed << 8 | UInt128(byte)
                count += 1
            }
            return packed << (8 * (16 - count)) | count
        }
    }

    private static func packed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt128? {
        guard range.count < 16 else { return nil }
        var packed: UInt128 = 0
        var index = range.lowerBound
        while index < range.upperBound {
            packed = packed << 8 | UInt128(bytes[index])
            index += 1
        }
        return packed << UInt128(8 * (16 - range.count)) | UInt128(range.count)
    }

    private static func key(_ bytes: Span<UInt8>, _ offset: inout Int) -> UInt128? {
        guard let range = string(bytes, &offset), offset < bytes.count else { return nil }
        return packed(bytes, range)
    }

    /// Where the content of the byte string at `offset` lies; its length has no leading zero.
    private static func string(_ bytes: Span<UInt8>, _ offset: inout Int) -> Range<Int>? {
        var length = 0
        let start = offset
        while offset < bytes.count, bytes[offset] != UInt8(ascii: ":") {
            let digit = Int(bytes[offset]) - 0x30
            guard (0...9).contains(digit), offset - start < 3 else { return nil }
            length = length * 10 + digit
            offset += 1
        }
        let digits = offset - start
        guard offset < bytes.count, digits > 0, digits == 1 || bytes[start] != UInt8(ascii: "0"),
            length <= bytes.count - offset - 1
        else { return nil }
        let content = offset + 1..<offset + 1 + length
        offset = content.upperBound
        return content
    }

    private static func integer(_ bytes: Span<UInt8>, _ offset: inout Int) -> Int64? {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "i") else { return nil }
        offset += 1
        let start = offset
        var value: Int64 = 0
        while offset < bytes.count, bytes[offset] != UInt8(ascii: "e") {
            let digit = Int64(bytes[offset]) - 0x30
            // 18 digits always fit; negative and longer ones are for the other parser.
            guard (0...9).contains(digit), offset - start < 18 else { return nil }
            value = value * 10 + digit
            offset += 1
        }
        guard offset < bytes.count, offset > start, offset - start == 1 || bytes[start] != UInt8(ascii: "0") else {
            return nil
        }
        offset += 1
        return value
    }

    /// Passes a string or an integer that means nothing here.
    private static func skip(_ bytes: Span<UInt8>, _ offset: inout Int) -> Bool {
        guard offset < bytes.count else { return false }
        return bytes[offset] == UInt8(ascii: "i") ? integer(bytes, &offset) != nil : string(bytes, &offset) != nil
    }

    private static func readID(_ bytes: Span<UInt8>, _ offset: inout Int, into id: inout NodeID) -> Bool {
        guard let range = string(bytes, &offset), range.count == NodeID.byteCount else { return false }
        var words = (UInt64(0), UInt64(0), UInt32(0))
        for index in 0..<8 {
            words.0 = words.0 << 8 | UInt64(bytes[range.lowerBound + index])
            words.1 = words.1 << 8 | UInt64(bytes[range.lowerBound + 8 + index])
        }
        for index in 16..<20 { words.2 = words.2 << 8 | UInt32(bytes[range.lowerBound + index]) }
        id = NodeID(words: words)
        return true
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The escapes of URIs (RFC 3986 §2.1), with `+` read as a space, where asked, as HTML forms write it.
///
/// Foundation's are not used for reading: its `removingPercentEncoding` takes some bytes that are no UTF-8 for text.
public enum PercentEncoding {
    /// The bytes that `text` stands for; nil where a `%` is not followed by two hexadecimal digits.
    public static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    /// The same as text; nil also where the bytes are no UTF-8.
    public static func decodeText(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> String? {
        decode(text, plusIsSpace: plusIsSpace).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// `text` with everything but the unreserved characters of RFC 3986 §2.3 as `%XX`, so in one spelling.
    public static func encode(_ text: String) -> String { encode(Array(text.utf8)) }

    /// `bytes` with everything but the unreserved characters of RFC 3986 §2.3 as `%XX`, so in one spelling.
    public static func encode(_ bytes: [UInt8]) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.append(byte)
            default: text += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

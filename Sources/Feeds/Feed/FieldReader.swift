// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Reads the fields of a received CBOR map, each checked for its kind and bounds.
struct FieldReader {
    let map: CBORMap

    init(_ bytes: [UInt8], limit: Int) throws(FeedError) {
        guard bytes.count <= limit else { throw .tooLarge(limit: limit) }
        let value: CBOR
        do throws(CBORError) {
            value = try CBOR.decode(bytes, limits: CBOR.Limits(bytes: limit, depth: 8, values: 16_384))
        } catch {
            throw .malformed(error)
        }
        guard let map = value.map else { throw .notAnEntry }
        self.map = map
    }

    /// Refuses a map that marks a field as critical which is not in `known`.
    func checkCritical(known: Set<String>) throws(FeedError) {
        guard let critical = map["crit"] else { return }
        guard let names = critical.array else { throw .invalid(field: "crit") }
        for name in names {
            guard let name = name.text else { throw .invalid(field: "crit") }
            guard known.contains(name) else { throw .unknownCritical(field: name) }
        }
    }

    func fixed<Value: FixedBytes>(_ field: String, as _: Value.Type = Value.self) throws(FeedError) -> Value {
        guard let value = map[field] else { throw .missing(field: field) }
        guard let fixed = value.fixed(Value.self) else { throw .invalid(field: field) }
        return fixed
    }

    func fixedIfPresent<Value: FixedBytes>(_ field: String) throws(FeedError) -> Value? {
        guard map[field] != nil else { return nil }
        return try fixed(field)
    }

    func integer(_ field: String, in range: ClosedRange<Int64>) throws(FeedError) -> Int64 {
        guard let value = map[field] else { throw .missing(field: field) }
        guard let integer = value.integer, range.contains(integer) else { throw .invalid(field: field) }
        return integer
    }

    func count(_ field: String, upTo limit: Int) throws(FeedError) -> Int {
        Int(try integer(field, in: 0...Int64(limit)))
    }

    /// URLs of a list. Hints only: what is malformed or beyond the bounds is left out, so that every reader, also one that
    /// does not know the field, has the same releases.
    func urls(_ field: String) -> [String] {
        (map[field]?.array ?? []).prefix(FeedSpecification.sources).compactMap { element in
            guard let url = element.text, url.utf8.count <= FeedSpecification.sourceBytes,
                url.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
            else { return nil }
            return url
        }
    }

    /// A text of at most `limit` bytes without control characters; empty where it is absent.
    func text(_ field: String, limit: Int) throws(FeedError) -> String {
        guard let value = map[field] else { return "" }
        guard let text = value.text, FreeText.isValid(text, limit: limit) else { throw .invalid(field: field) }
        return text
    }

    func bytes(_ field: String, limit: Int) throws(FeedError) -> [UInt8]? {
        guard let value = map[field] else { return nil }
        guard let bytes = value.bytes, bytes.count <= limit else { throw .invalid(field: field) }
        return bytes
    }
}

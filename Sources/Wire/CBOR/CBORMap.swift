// SPDX-License-Identifier: Apache-2.0

/// The entries of a CBOR map, kept in the one order that deterministic encoding has: by the bytes of the encoded keys.
public struct CBORMap: Sendable, Hashable {
    /// One key with its value.
    public struct Entry: Sendable, Hashable {
        /// A value of any kind; every map of ours has texts.
        public let key: CBOR
        /// What stands under the key.
        public let value: CBOR
    }

    /// Ascending by encoded key, none twice.
    public private(set) var entries: [Entry]

    /// The empty map.
    public init() { entries = [] }

    /// Nil when two keys are the same.
    public init?(_ pairs: some Sequence<(CBOR, CBOR)>) {
        let sorted = pairs.map { (order: $0.0.encoded, entry: Entry(key: $0.0, value: $0.1)) }
            .sorted { $0.order.lexicographicallyPrecedes($1.order) }
        for (left, right) in zip(sorted, sorted.dropFirst()) where left.order == right.order { return nil }
        entries = sorted.map(\.entry)
    }

    /// - Parameter sortedEntries: in order and without duplicates, which the decoder has checked.
    init(sortedEntries: [Entry]) { entries = sortedEntries }

    /// How many keys there are.
    public var count: Int { entries.count }

    /// The value under `key`; setting nil removes it.
    public subscript(key: CBOR) -> CBOR? {
        get { entries.first { $0.key == key }?.value }
        set {
            let order = key.encoded
            let index = entries.firstIndex { !$0.key.encoded.lexicographicallyPrecedes(order) } ?? entries.endIndex
            if index < entries.endIndex, entries[index].key == key { entries.remove(at: index) }
            if let newValue { entries.insert(Entry(key: key, value: newValue), at: index) }
        }
    }

    /// The value under a text key, compared byte by byte.
    public subscript(key: String) -> CBOR? {
        get {
            for entry in entries {
                // Strings are equal where they look alike, bytes only where they are.
                guard case .text(let text) = entry.key, text == key, text.utf8.elementsEqual(key.utf8) else { continue }
                return entry.value
            }
            return nil
        }
        set { self[CBOR.text(key)] = newValue }
    }
}

extension CBORMap: ExpressibleByDictionaryLiteral {
    /// The keys must differ.
    public init(dictionaryLiteral elements: (CBOR, CBOR)...) {
        guard let map = CBORMap(elements) else { preconditionFailure("the keys of a map literal must differ") }
        self = map
    }
}

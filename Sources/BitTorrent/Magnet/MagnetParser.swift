// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Reads a magnet link parameter by parameter; unknown ones are passed over.
struct MagnetParser {
    private var magnet = Magnet()
    private var key: PublicKey?
    private var salt: [UInt8] = []
    private var selected: [ClosedRange<Int>] = []
    private var isSelective = false

    mutating func read(_ parameter: Substring) throws(MagnetError) {
        guard let equals = parameter.firstIndex(of: "=") else { return }
        var name = parameter[..<equals].lowercased()
        // Repeated parameters may be numbered: `xt.1`, `tr.2`.
        if let dot = name.lastIndex(of: "."), dot != name.startIndex, Int(name[name.index(after: dot)...]) != nil {
            name = String(name[..<dot])
        }
        let value = parameter[parameter.index(after: equals)...]
        switch name {
        case "xt": try readTopic(value)
        case "xs": try readSource(value)
        case "s": try readSalt(value)
        default: readHint(name, value)
        }
    }

    func finish() throws(MagnetError) -> Magnet {
        var magnet = magnet
        if let key { magnet.publisher = Magnet.Publisher(key: key, salt: salt) }
        guard !magnet.infoHashes.isEmpty || key != nil else { throw .missingInfoHash }
        if isSelective { magnet.selectedFiles = Self.merged(selected) }
        return magnet
    }

    // MARK: What it names

    private static func text(_ value: Substring) throws(MagnetError) -> String {
        guard let bytes = PercentEncoding.decode(value.utf8) else { throw .invalidEscape }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func readTopic(_ value: Substring) throws(MagnetError) {
        let topic = try Self.text(value)
        if let digits = Self.suffix(of: topic, after: "urn:btih:") {
            let bytes = digits.utf8.count == 40 ? Hex.decode(digits) : Base32.decode(digits)
            guard let bytes, let hash = Digest160(bytes) else { throw .invalidInfoHash }
            magnet.infoHashes.v1 = magnet.infoHashes.v1 ?? hash
        } else if let digits = Self.suffix(of: topic, after: "urn:btmh:") {
            // A multihash of SHA-256: 0x12, length 0x20.
            guard digits.hasPrefix("1220"), let hash = Digest256(hex: digits.dropFirst(4)) else {
                throw .invalidInfoHash
            }
            magnet.infoHashes.v2 = magnet.infoHashes.v2 ?? hash
        }
    }

    private mutating func readSource(_ value: Substring) throws(MagnetError) {
        guard let digits = Self.suffix(of: try Self.text(value), after: "urn:btpk:") else { return }
        guard let key = PublicKey(hex: digits) else { throw .invalidInfoHash }
        self.key = self.key ?? key
    }

    private mutating func readSalt(_ value: Substring) throws(MagnetError) {
        guard let salt = Hex.decode(value), salt.count <= 64 else { throw .invalidSalt }
        self.salt = salt
    }

    private static func suffix(of text: String, after prefix: String) -> Substring? {
        text.prefix(prefix.count).lowercased() == prefix ? text.dropFirst(prefix.count) : nil
    }

    // MARK: Hints

    private mutating func readHint(_ name: String, _ value: Substring) {
        guard let bytes = PercentEncoding.decode(value.utf8, plusIsSpace: name == "dn") else { return }
        switch name {
        case "dn": magnet.displayName = magnet.displayName ?? String(decoding: bytes, as: UTF8.self)
        case "tr": Self.append(TorrentSources.tracker(bytes[...]), to: &magnet.trackers)
        case "ws": Self.append(TorrentSources.webSeed(bytes[...]), to: &magnet.webSeeds)
        case "x.pe": Self.append(TorrentSources.Host(String(decoding: bytes, as: UTF8.self)), to: &magnet.peers)
        case "dht": Self.append(TorrentSources.Host(String(decoding: bytes, as: UTF8.self)), to: &magnet.nodes)
        case "so": readSelection(String(decoding: bytes, as: UTF8.self))
        default: break
        }
    }

    private static func append<Element>(_ element: Element?, to list: inout [Element]) {
        guard let element, list.count < TorrentSpecification.maximumSources else { return }
        list.append(element)
    }

    private mutating func readSelection(_ text: String) {
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, first <= last,
                last < TorrentSpecification.maximumFiles, part.utf8.first != UInt8(ascii: "+")
            else { continue }
            isSelective = true
            selected.append(first...last)
        }
    }

    private static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
        var result: [ClosedRange<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }
}

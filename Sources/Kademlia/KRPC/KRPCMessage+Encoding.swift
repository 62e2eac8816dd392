// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Written field by field in ascending order of keys: the hot path of an answering node builds no dictionaries.
extension KRPCMessage {
    /// The datagram: one bencoded dictionary.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "d")]
        if case .query = body { bytes.reserveCapacity(128) } else { bytes.reserveCapacity(384) }
        switch body {
        case .query(let query):
            bytes.append(bencoded: "a")
            query.encodeArguments(into: &bytes)
        case .fault(let fault), .malformedQuery(let fault):
            bytes.append(bencoded: "e")
            bytes.append(UInt8(ascii: "l"))
            bytes.append(bencoded: fault.code)
            bytes.append(bencoded: fault.text.utf8)
            bytes.append(UInt8(ascii: "e"))
        case .response: break
        }
        if let observedEndpoint { bytes.append(key: "ip", observedEndpoint.compact) }
        if case .query(let query) = body { bytes.append(key: "q", query.method.name.utf8) }
        if case .response(let response) = body {
            bytes.append(bencoded: "r")
            response.encode(into: &bytes)
        }
        if isReadOnly { bytes.append(key: "ro", 1) }
        bytes.append(key: "t", transaction)
        if let version { bytes.append(key: "v", version) }
        bytes.append(bencoded: "y")
        bytes.append(bencoded: kind)
        bytes.append(UInt8(ascii: "e"))
        return bytes
    }

    private var kind: StaticString {
        switch body {
        case .query: "q"
        case .response: "r"
        case .fault, .malformedQuery: "e"
        }
    }
}

extension KRPCQuery.Method {
    var name: String {
        switch self {
        case .ping: "ping"
        case .findNode, .other: "find_node"
        case .getPeers, .scrape: "get_peers"
        case .sampleInfohashes: "sample_infohashes"
        case .announcePeer: "announce_peer"
        case .get: "get"
        case .put: "put"
        case .zone(let query): query.name
        }
    }
}

extension KRPCQuery {
    fileprivate func encodeArguments(into bytes: inout [UInt8]) {
        if case .zone(let query) = method { return query.encode(into: &bytes, sender: sender) }
        bytes.append(UInt8(ascii: "d"))
        if case .put(let put) = method, let cas = put.mutable?.expectedSequence { bytes.append(key: "cas", cas) }
        bytes.append(key: "id", fixed: sender)
        switch method {
        case .ping: break
        case .findNode(let target), .other(let target), .sampleInfohashes(let target):
            bytes.append(key: "target", fixed: target)
        case .getPeers(let infoHash), .scrape(let infoHash):
            bytes.append(key: "info_hash", fixed: infoHash)
            if withoutSeeds { bytes.append(key: "noseed", 1) }
            guard case .scrape = method else { break }
            bytes.append(key: "scrape", 1)
        case .get(let target, let sequence):
            if let sequence { bytes.append(key: "seq", sequence) }
            bytes.append(key: "target", fixed: target)
        case .announcePeer(let announce): announce.encode(into: &bytes)
        case .put(let put): put.encode(into: &bytes)
        case .zone: break
        }
        if !want.isEmpty {
            bytes.append(bencoded: "want")
            bytes.append(UInt8(ascii: "l"))
            if want.contains(.v4) { bytes.append(bencoded: "n4") }
            if want.contains(.v6) { bytes.append(bencoded: "n6") }
            bytes.append(UInt8(ascii: "e"))
        }
        bytes.append(UInt8(ascii: "e"))
    }
}

extension KRPCAnnounce {
    fileprivate func encode(into bytes: inout [UInt8]) {
        if port == nil { bytes.append(key: "implied_port", 1) }
        bytes.append(key: "info_hash", fixed: infoHash)
        // The port is written even where it is implied: some programs insist on it.
        bytes.append(key: "port", Int64(port ?? 1))
        if isSeed { bytes.append(key: "seed", 1) }
        bytes.append(key: "token", token)
    }
}

extension KRPCPut {
    fileprivate func encode(into bytes: inout [UInt8]) {
        if let mutable {
            bytes.append(key: "k", fixed: mutable.key)
            if !mutable.salt.isEmpty { bytes.append(key: "salt", mutable.salt) }
            bytes.append(key: "seq", mutable.sequence)
            bytes.append(key: "sig", fixed: mutable.signature)
        }
        bytes.append(key: "token", token)
        bytes.append(bencoded: "v")
        bytes += value
    }
}

extension KRPCResponse {
    fileprivate func encode(into bytes: inout [UInt8]) {
        if let zone { return zone.encode(into: &bytes, sender: sender, token: token) }
        bytes.append(UInt8(ascii: "d"))
        if let peerFilter { bytes.append(key: "BFpe", peerFilter.bytes) }
        if let seedFilter { bytes.append(key: "BFsd", seedFilter.bytes) }
        bytes.append(key: "id", fixed: sender)
        if let samples { bytes.append(key: "interval", samples.interval) }
        if let key { bytes.append(key: "k", fixed: key) }
        if !nodes.isEmpty || families.contains(.v4) { bytes.append(key: "nodes", nodes.flatMap { $0.compact }) }
        if !nodes6.isEmpty || families.contains(.v6) { bytes.append(key: "nodes6", nodes6.flatMap { $0.compact }) }
        if let samples {
            bytes.append(key: "num", samples.total)
            bytes.append(key: "samples", samples.infoHashes.flatMap { $0.bytes })
        }
        if let sequence { bytes.append(key: "seq", sequence) }
        if let signature { bytes.append(key: "sig", fixed: signature) }
        if let token { bytes.append(key: "token", token) }
        if let value {
            bytes.append(bencoded: "v")
            bytes += value
        }
        if !values.isEmpty {
            bytes.append(bencoded: "values")
            bytes.append(UInt8(ascii: "l"))
            for peer in values { bytes.append(bencoded: peer.compact) }
            bytes.append(UInt8(ascii: "e"))
        }
        bytes.append(UInt8(ascii: "e"))
    }
}

extension [UInt8] {
    mutating func append(key: StaticString, _ content: some Collection<UInt8>) {
        append(bencoded: key)
        append(bencoded: content)
    }

    mutating func append(key: StaticString, fixed value: some FixedBytes) {
        append(bencoded: key)
        append(UInt8(ascii: "0") + UInt8(type(of: value).byteCount / 10))
        append(UInt8(ascii: "0") + UInt8(type(of: value).byteCount % 10))
        append(UInt8(ascii: ":"))
        append(value)
    }

    mutating func append(key: StaticString, _ value: Int64) {
        append(bencoded: key)
        append(bencoded: value)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

extension ConformanceTopic {
    static let multiformats = ConformanceTopic(
        name: "multiformats",
        checks: [
            ("unsigned-varint.json", checkVarints), ("multihash.csv", checkMultihashes), ("cid-v1.json", checkCIDs),
            ("multibase-basic.csv", { try checkBases("multibase-basic.csv", of: "yes mani !", $0, &$1) }),
            (
                "multibase-leading_zero.csv",
                { try checkBases("multibase-leading_zero.csv", of: "\0yes mani !", $0, &$1) }
            ),
            ("peer-id.json", checkLibp2pKeys),
        ]
    )

    private struct VarintCase: Decodable {
        var value: UInt64
        var hex: String
    }

    private static func checkVarints(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        for vector in try folder.json("unsigned-varint.json", as: [VarintCase].self) {
            let bytes = try VectorFolder.hex(vector.hex)
            var reader = ByteReader(bytes)
            let value = UnsignedVarint.read(from: &reader)
            var written: [UInt8] = []
            UnsignedVarint.append(min(vector.value, UnsignedVarint.maximum), to: &written)
            result.check("varint \(vector.hex)", value == vector.value && reader.isAtEnd && written == bytes)
        }
    }

    /// Columns: function, bits, input as text, multihash in hex.
    private static func checkMultihashes(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let codes: [Substring: Multihash.Code] = ["sha1": .sha1, "sha2-256": .sha2x256, "sha2-512": .sha2x512]
        for line in try folder.lines("multihash.csv") {
            let fields = line.split(separator: ",")
            guard fields.count == 4, let bits = Int(fields[1]) else {
                throw VectorFolder.Unreadable(description: "a line of other columns")
            }
            guard let code = codes[fields[0]] else {
                result.skip("\(fields[0])", because: "not computed here")
                continue
            }
            let hash = Multihash(of: Array(fields[2].utf8), by: code, byteCount: bits / 8)
            let read = Multihash(try VectorFolder.hex(fields[3]))
            let text = hash.map { Hex.encode($0.bytes) } ?? "nothing"
            result.check("\(fields[0]) \(bits) \(fields[2])", text == fields[3] && read == hash, "got \(text)")
        }
    }

    private static func checkBases(
        _ file: String,
        of plain: String,
        _ folder: VectorFolder,
        _ result: inout ConformanceResult
    ) throws {
        let bytes = Array(plain.utf8)
        for line in try folder.lines(file) {
            let fields = line.split(separator: "\"", omittingEmptySubsequences: false)
            guard fields.count == 3 else { throw VectorFolder.Unreadable(description: "a line of other columns") }
            let text = String(fields[1])
            let base = text.unicodeScalars.first.flatMap(Multibase.init(rawValue:))
            let holds = base?.encodeWithPrefix(bytes) == text && Multibase.decodeWithPrefix(text) == bytes
            result.check(String(line), holds, "got \(base?.encodeWithPrefix(bytes) ?? "an unknown base")")
        }
    }

    private struct CIDCase: Decodable {
        var name: String
        var codec: String
        var cid: String
        var cid_bytes: String
        var block: String
    }

    private static func checkCIDs(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let codecs: [String: CID.Codec] = ["raw": .raw, "dag-pb": .dagPB, "dag-cbor": .dagCBOR, "dag-json": .dagJSON]
        for vector in try folder.json("cid-v1.json", as: [CIDCase].self) {
            let bytes = try VectorFolder.hex(vector.cid_bytes)
            let block = try VectorFolder.hex(vector.block)
            let id = CID(vector.cid)
            let holds =
                id?.bytes == bytes && id?.description == vector.cid && id?.codec == codecs[vector.codec]
                && CID(bytes) == id && id?.hash.matches(block) == true
            result.check("\(vector.codec) \(vector.name)", holds, "got \(id?.description ?? "nothing")")
        }
    }

    private struct Libp2pKeys: Decodable {
        var ed25519_private_key_protobuf: String
        var ed25519_public_key_protobuf: String
    }

    /// libp2p wraps keys in protobuf, where fields are LEB128 varints: the raw keys inside must be a pair.
    private static func checkLibp2pKeys(_ folder: VectorFolder, _ result: inout ConformanceResult) throws {
        let vector: Libp2pKeys = try folder.json("peer-id.json")
        let publicKey = try PublicKey(unwrap(vector.ed25519_public_key_protobuf))
        let pair = try unwrap(vector.ed25519_private_key_protobuf)
        let key = SigningKey(seed: Array(pair.prefix(32)))
        result.check("private key", key?.publicKey.bytes == Array(pair.dropFirst(32)) && key?.publicKey == publicKey)
        // A peer id of ours is over the raw key, not over this wrapping.
        let id = publicKey.map { PeerID($0) }
        result.check("public key", id != nil && id?.multihash.matches(publicKey?.bytes ?? []) == true)
    }

    /// The data of `08 01 12 <length> <data>`: key type 1 is Ed25519.
    private static func unwrap(_ hex: String) throws -> [UInt8] {
        var reader = ByteReader(try VectorFolder.hex(hex))
        guard UnsignedVarint.read(from: &reader) == 0x08, UnsignedVarint.read(from: &reader) == 1,
            UnsignedVarint.read(from: &reader) == 0x12, let count = UnsignedVarint.read(from: &reader),
            count <= 128, let data = reader.read(count: Int(count)), reader.isAtEnd
        else { throw VectorFolder.Unreadable(description: "no Ed25519 key of libp2p") }
        return Array(data)
    }
}

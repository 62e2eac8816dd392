// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Keys
internal import Storage
internal import Wire

extension ItemRecord {
    /// A signed item as a record: a bencoded dictionary of `k`, `salt`, `seq`, `sig` and the bytes of `v`.
    init(_ item: MutableItem, keepsAlive: Bool, putAt: Int64) {
        let bytes = BencodeValue.dictionary([
            "k": .bytes(item.key.bytes), "salt": .bytes(item.salt), "seq": .integer(item.sequence),
            "sig": .bytes(item.signature.bytes), "v": .bytes(item.value),
        ]).encoded
        self.init(target: item.target, seq: item.sequence, bytes: bytes, keepsAlive: keepsAlive, putAt: putAt)
    }

    /// The item, verified again; nil where the bytes are none.
    var mutableItem: MutableItem? {
        guard let node = try? Bencode.parse(bytes, mode: .strict), let key = node["k"]?.fixed(PublicKey.self),
            let salt = node["salt"]?.bytes, let sequence = node["seq"]?.integer,
            let signature = node["sig"]?.fixed(Signature.self), let value = node["v"]?.bytes
        else { return nil }
        return try? MutableItem(
            key: key,
            salt: Array(salt),
            sequence: sequence,
            value: Array(value),
            signature: signature
        )
    }
}

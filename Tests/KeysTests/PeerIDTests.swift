// SPDX-License-Identifier: Apache-2.0
import Keys
import TestSupport
import Testing
import Wire

@Suite("Peer ids, multihashes of content, device keys")
struct PeerIDTests {
    @Test("S4-44: a peer id is 0x12 0x20 and the SHA-256 of the public key, 34 bytes")
    func peerID() throws {
        // The key of RFC 8032 §7.1 test 1; the hash by coreutils' sha256sum.
        let key = try #require(PublicKey(hex: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
        let id = PeerID(key)
        #expect(id.hex == "122021fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9")
        #expect(PeerID(id.bytes) == id)
        #expect(Multihash(id.bytes) == id.multihash)
        #expect(PeerID(id.bytes.dropLast()) == nil)
        #expect(PeerID([0x11, 0x14] + id.bytes.dropFirst(2)) == nil)
    }

    @Test("multihash: SHA-1 and SHA-2 of the published table, cut ones too")
    func multihashes() throws {
        let codes: [Substring: Multihash.Code] = ["sha1": .sha1, "sha2-256": .sha2x256, "sha2-512": .sha2x512]
        for line in try Vectors.text("multiformats/multihash.csv").split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",")
            let input = Array(fields[2].utf8)  // the digits themselves are what was hashed
            let bits = try #require(Int(fields[1]))
            let code = try #require(codes[fields[0]])
            let hash = try #require(Multihash(of: input, by: code, byteCount: bits / 8))
            #expect(Hex.encode(hash.bytes) == fields[3])
            #expect(Multihash(hash.bytes) == hash)
            let isFull = (fields[0] == "sha1" && bits == 160) || (fields[0] == "sha2-256" && bits == 256) || bits == 512
            #expect(hash.matches(input) == isFull)
            #expect(!hash.matches(input + [0]))
        }
    }

    @Test("S4-53: a content id is the SHA-256 multihash of the content, and other content is not taken for it")
    func contentID() throws {
        // The hash of "abc" in FIPS 180-4's examples.
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let content = Array("abc".utf8)
        let id = CID(.raw, hash: Multihash(sha256: Hash.sha256(content)))
        #expect(Hex.encode(id.bytes) == "01551220" + hex)
        #expect(id.hash.matches(content))
        #expect(!id.hash.matches(Array("abd".utf8)))
        #expect(!id.hash.matches(content + [0]))
        #expect(!id.hash.matches([]))
    }

    @Test("A device's keys differ by network and by identity, and are the same at every start")
    func deviceKeys() throws {
        let vectors = try KeyVectors.load()
        let seed = DeviceSeed(try #require(SecretKey(hex: vectors.deviceSeed)))
        let identity = try #require(Digest256(hex: vectors.identity.id))
        let mainline = seed.peerKey(network: Array("mainline".utf8)).publicKey
        #expect(mainline.hex == vectors.peerKeyOfMainline)
        #expect(seed.deviceKey(identity: identity).publicKey.hex == vectors.deviceKeyOfIdentity)
        #expect(seed.peerKey(network: Array("other".utf8)).publicKey != mainline)
        #expect(seed.peerKey(network: Digest256.zero.bytes).publicKey != seed.deviceKey(identity: .zero).publicKey)
    }
}

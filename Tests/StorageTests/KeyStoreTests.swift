// SPDX-License-Identifier: Apache-2.0
import Foundation
import Keys
import TestSupport
import Testing

@testable import Storage

@Suite("Key store")
struct KeyStoreTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.home.prepare()
    }

    /// As cheap as is allowed: the cost is the point elsewhere.
    private func store(_ sources: [PassphraseSource] = []) throws -> KeyStore {
        let cost = try #require(PassphraseCost(passes: 1, kibibytes: PassphraseCost.minimumKibibytes))
        return KeyStore(home: folder.home, sources: sources, cost: cost)
    }

    @Test("without a passphrase keys are sealed by the local key, both private files")
    func localKey() throws {
        let store = try store()
        try store.save([1, 2, 3], as: "site-1")
        #expect(try store.load("site-1") == [1, 2, 3])
        #expect(try store.protection(of: "site-1") == .localKey)
        #expect(try store.names() == ["site-1"])
        #expect(try folder.permissions(of: "home/keys/local.key") == 0o600)
        #expect(try folder.permissions(of: "home/keys/site-1.key") == 0o600)
        #expect(try self.store().load("site-1") == [1, 2, 3])
    }

    @Test("with a passphrase they open with it alone; none is told apart from a wrong one")
    func passphrase() throws {
        try folder.write(Array("correct horse\r\n".utf8), to: "passphrase")
        let source = PassphraseSource.file(path: folder.path + "/passphrase")
        try store([source]).save([7], as: "id-a")
        #expect(try store([source]).protection(of: "id-a") == .passphrase)
        #expect(try store([source]).load("id-a") == [7])
        #expect(!folder.exists("home/keys/local.key"))
        #expect(try store([.prompt { Array("correct horse".utf8) }]).load("id-a") == [7])
        #expect(throws: KeyStoreError.passphraseNeeded(name: "id-a")) { try store().load("id-a") }
        #expect(throws: KeyStoreError.passphraseNeeded(name: "id-a")) { try store([.prompt { nil }]).load("id-a") }
        #expect(throws: KeyStoreError.passphraseWrong(name: "id-a")) {
            try store([.prompt { Array("wrong".utf8) }]).load("id-a")
        }
    }

    @Test("a passphrase comes through a pipe")
    func pipe() throws {
        try store([.prompt { Array("secret".utf8) }]).save([7], as: "b")
        let store = try store([.prompt { Array("secret".utf8) }])
        store.usePassphrase(Array("secret".utf8))
        try store.changeProtection(to: Array("secret".utf8))
        let pipe = Pipe()
        pipe.fileHandleForWriting.write(Data("secret\n".utf8))
        try pipe.fileHandleForWriting.close()
        let descriptor = dup(pipe.fileHandleForReading.fileDescriptor)
        #expect(try self.store([.descriptor(descriptor)]).load("b") == [7])
    }

    @Test("a file that others may read is refused")
    func notPrivate() throws {
        let store = try store()
        try store.save([1], as: "a")
        let path = folder.home.keys + "/a.key"
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(throws: KeyStoreError.notPrivate(path: path)) { try store.load("a") }
    }

    @Test("a key cannot be put in another's place, and a lost local key is not made anew")
    func swapped() throws {
        let store = try store()
        try store.save([1], as: "a")
        try store.save([2], as: "b")
        let keys = folder.home.keys
        try FileManager.default.removeItem(atPath: keys + "/b.key")
        try FileManager.default.moveItem(atPath: keys + "/a.key", toPath: keys + "/b.key")
        // The only file, and so the one to blame.
        #expect(throws: KeyStoreError.damaged(name: "b", .authenticationFailed)) { try store.load("b") }
        try FileManager.default.removeItem(atPath: keys + "/local.key")
        #expect(throws: KeyStoreError.localKeyWrong(name: "b")) { try store.load("b") }
        #expect(throws: KeyStoreError.localKeyWrong(name: "c")) { try store.save([3], as: "c") }
    }

    @Test("an error tells whether it is of the local key")
    func ofLocalKey() throws {
        let store = try store()
        try store.save([1], as: "a")
        let local = folder.home.keys + "/local.key"
        for error: KeyStoreError in [
            .localKeyWrong(name: "a"), .notPrivate(path: local), .storage(.notPermitted(path: local)),
            .storage(.io(.read, path: local, code: EIO)),
        ] {
            #expect(store.isOfLocalKey(error))
        }
        let other = folder.home.keys + "/a.key"
        for error: KeyStoreError in [
            .notPrivate(path: other), .storage(.damaged(path: other)), .noSuchKey(name: "local.key"),
            .damaged(name: "a", .authenticationFailed), .storage(.outOfRange(length: 1)),
        ] {
            #expect(!store.isOfLocalKey(error))
        }
    }

    @Test("a file is blamed where its secret opens another, the secret where it opens none of several")
    func blame() throws {
        let store = try store()
        for name in ["a", "b", "c"] { try store.save([1, 2, 3], as: name) }
        let good = try folder.read("home/keys/a.key")
        let local = try folder.read("home/keys/local.key")
        func put(_ bytes: [UInt8], _ name: String) throws {
            try folder.home.write(bytes, to: "\(folder.home.keys)/\(name).key")
        }
        try put(good.map { $0 }.dropLast() + [good[good.count - 1] ^ 3], "a")
        #expect(throws: KeyStoreError.damaged(name: "a", .authenticationFailed)) { try store.load("a") }
        #expect(try store.load("b") == [1, 2, 3])
        #expect(try !store.mend("a", writes: true))
        for bit in [0, 77, good.count * 8 - 1] {
            var flipped = good
            flipped[bit / 8] ^= 1 << (bit % 8)
            try put(flipped, "a")
            #expect(try store.mend("a", writes: false) && folder.read("home/keys/a.key") == flipped)
            #expect(try store.mend("a", writes: true) && folder.read("home/keys/a.key") == good)
            #expect(try !store.mend("a", writes: true))
        }
        for damaged in [[UInt8](repeating: 0, count: 32), local.map { $0 ^ 9 }, []] {
            try put(damaged, "local")
            for name in ["a", "b"] { #expect(throws: KeyStoreError.localKeyWrong(name: name)) { try store.load(name) } }
            #expect(try !store.mend(KeyStore.localKeyName, writes: true))
        }
        try put(local.enumerated().map { $0 == 9 ? $1 ^ 1 : $1 }, "local")
        #expect(try store.mend(KeyStore.localKeyName, writes: true) && folder.read("home/keys/local.key") == local)
    }

    @Test("a passphrase that has opened a key is not blamed for the next")
    func blameOfPassphrase() throws {
        let source = PassphraseSource.prompt { Array("p".utf8) }
        let first = try store()
        first.usePassphrase(Array("p".utf8))
        try first.save([1], as: "a")
        var damaged = try folder.read("home/keys/a.key")
        damaged[damaged.count - 1] ^= 1
        try folder.home.write(damaged, to: "\(folder.home.keys)/b.key")
        let store = try store([source])
        #expect(throws: KeyStoreError.passphraseWrong(name: "b")) { try store.load("b") }
        #expect(try store.load("a") == [1])
        #expect(throws: KeyStoreError.damaged(name: "b", .authenticationFailed)) { try store.load("b") }
    }

    @Test("protection changes for all keys")
    func change() throws {
        let store = try store()
        try store.save([1], as: "a")
        try store.save([2], as: "b")
        try store.changeProtection(to: Array("p".utf8))
        #expect(try store.protection(of: "a") == .passphrase)
        #expect(try self.store([.prompt { Array("p".utf8) }]).load("b") == [2])
        try store.changeProtection(to: nil)
        #expect(try self.store().load("a") == [1])
    }

    @Test("names that are no plain file names are refused", arguments: ["", "../a", "a/b", ".a", "A", "local", "a b"])
    func names(name: String) throws {
        #expect(throws: KeyStoreError.invalidName(name)) { try store().save([1], as: name) }
        #expect(throws: KeyStoreError.invalidName(name)) { try store().load(name) }
    }

    @Test("missing and removed keys are named")
    func missing() throws {
        let store = try store()
        #expect(throws: KeyStoreError.noSuchKey(name: "a")) { try store.load("a") }
        try store.save([1], as: "a")
        try store.remove("a")
        #expect(throws: KeyStoreError.noSuchKey(name: "a")) { try store.load("a") }
    }

    @Test("damaged key files give an error")
    func hostile() throws {
        let store = try store()
        try store.save([1, 2, 3, 4], as: "a")
        let sealed = try folder.read("home/keys/a.key")
        for damaged in HostileInput.mutations(of: sealed, count: 200, seed: 9) where damaged != sealed {
            try folder.write(damaged, to: "home/keys/a.key")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600],
                ofItemAtPath: folder.home.keys + "/a.key"
            )
            #expect(throws: KeyStoreError.self) { try store.load("a") }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
public import Keys
internal import Synchronization

/// The secret keys of a home, sealed one to a file under `keys/`.
///
/// Without a passphrase they are sealed by `keys/local.key`, which only the file mode protects; with one, by Argon2id.
/// A home has one way or the other: the first key decides, and ``changeProtection(to:)`` changes all.
public final class KeyStore: Sendable {
    private let folder: String
    private let sources: [PassphraseSource]
    private let cost: PassphraseCost
    /// Asked for once, then kept: an interactive caller is not asked again for every key.
    private let passphrase = Mutex<[UInt8]?>(nil)
    /// Whether that has opened a key: what it does not open then is damaged.
    private let isProven = Mutex(false)

    private static let suffix = ".key"
    /// What ``mend(_:writes:)`` calls the file that seals the others where no passphrase does.
    public static let localKeyName = "local"
    static let purpose = "roost/key/"
    /// Characters of a name.
    public static let maximumNameLength = 128

    /// The keys of `home`. The sources of a passphrase are tried in order; `cost` is of new files that one seals.
    public init(home: Home, sources: [PassphraseSource] = [], cost: PassphraseCost = .standard) {
        folder = home.keys
        self.sources = sources
        self.cost = cost
    }

    // MARK: Keys

    /// The names of all keys, sorted.
    public func names() throws(KeyStoreError) -> [String] {
        let files = try storing { () throws(StorageError) in try Disk.names(in: folder) }
        return files.filter { $0.hasSuffix(Self.suffix) }.map { String($0.dropLast(Self.suffix.count)) }
            .filter { $0 != Self.localKeyName && Self.isValid($0) }.sorted()
    }

    /// How a key is protected, without opening it.
    public func protection(of name: String) throws(KeyStoreError) -> SealedKeyFile.Protection {
        try sealedFile(name).protection
    }

    /// The content of a key file.
    public func load(_ name: String) throws(KeyStoreError) -> [UInt8] {
        let file = try sealedFile(name)
        let secret = try secret(for: file.protection, name: name)
        do throws(SealedKeyFileError) {
            let content = try file.open(with: secret, purpose: Self.purpose + name)
            if file.protection == .passphrase { isProven.withLock { $0 = true } }
            return content
        } catch .authenticationFailed {
            throw failure(of: name, file.protection)
        } catch {
            throw .damaged(name: name, error)
        }
    }

    /// What is to blame where a file does not open: the file, where its secret opens another one, else the secret.
    private func failure(of name: String, _ protection: SealedKeyFile.Protection) -> KeyStoreError {
        let isFileDamaged: Bool
        switch protection {
        case .localKey:
            let others = filesOfLocalKey(but: name)
            // Of one alone nobody can tell; to give that one up is the least that helps.
            isFileDamaged = others.isEmpty || others.contains { opens($0.file, $0.name) }
        case .passphrase: isFileDamaged = isProven.withLock { $0 }
        }
        if isFileDamaged { return .damaged(name: name, .authenticationFailed) }
        if protection == .localKey { return .localKeyWrong(name: name) }
        passphrase.withLock { $0 = nil }
        return .passphraseWrong(name: name)
    }

    /// The files that the local key has sealed, by their headers.
    func filesOfLocalKey(but name: String? = nil) -> [(name: String, file: SealedKeyFile)] {
        ((try? names()) ?? []).compactMap { other in
            guard other != name, let file = try? sealedFile(other), file.protection == .localKey else { return nil }
            return (other, file)
        }
    }

    private func opens(_ file: SealedKeyFile, _ name: String) -> Bool {
        guard let key = try? localKey(for: name) else { return false }
        return (try? file.open(with: .localKey(key), purpose: Self.purpose + name)) != nil
    }

    /// Whether there is a file of that name, whatever it holds.
    public func hasFile(_ name: String) -> Bool { (try? path(of: name)).map(Disk.exists) ?? false }

    /// The names of files that stand beside the keys and end so, without that end.
    public func names(endingWith suffix: String) throws(KeyStoreError) -> [String] {
        let files = try storing { () throws(StorageError) in try Disk.names(in: folder) }
        return files.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
    }

    /// Seals `content` into the file of that name, durably. Replaces what was there.
    public func save(_ content: [UInt8], as name: String) throws(KeyStoreError) {
        try save(content, as: name, protection: try protectionOfNewKeys())
    }

    private func save(
        _ content: [UInt8],
        as name: String,
        protection: SealedKeyFile.Protection
    ) throws(KeyStoreError) {
        let path = try path(of: name)
        let secret = try secret(for: protection, name: name)
        let sealed: [UInt8]
        do throws(SealedKeyFileError) {
            sealed = try SealedKeyFile.seal(
                content,
                purpose: Self.purpose + name,
                with: secret,
                cost: cost,
                random: Self.random(SealedKeyFile.randomByteCount)
            )
        } catch {
            throw .damaged(name: name, error)
        }
        try storing { () throws(StorageError) in try Disk.write(sealed, durablyTo: path) }
    }

    /// Deletes a key, durably; one that is not there is fine. There is no way back.
    public func remove(_ name: String) throws(KeyStoreError) {
        let path = try path(of: name)
        try storing { () throws(StorageError) in
            try Disk.remove(path)
            try Disk.syncDirectory(folder)
        }
    }

    /// Seals every key anew: with the passphrase, or for protection by file mode only where that is nil.
    ///
    /// Interrupted, it leaves keys of both kinds, each of which still opens with its own secret.
    public func changeProtection(to newPassphrase: [UInt8]?) throws(KeyStoreError) {
        var contents: [(String, [UInt8])] = []
        for name in try names() { contents.append((name, try load(name))) }
        passphrase.withLock { $0 = newPassphrase }
        isProven.withLock { $0 = false }
        for (name, content) in contents {
            try save(content, as: name, protection: newPassphrase == nil ? .localKey : .passphrase)
        }
    }

    /// Makes a passphrase count for keys that are saved from now on, before there is any.
    public func usePassphrase(_ passphrase: [UInt8]) {
        self.passphrase.withLock { $0 = passphrase }
        isProven.withLock { $0 = false }
    }

    // MARK: Secrets

    /// As the other keys are; for the first key, a passphrase where one was given.
    private func protectionOfNewKeys() throws(KeyStoreError) -> SealedKeyFile.Protection {
        if let first = try names().first { return try protection(of: first) }
        if passphrase.withLock({ $0 }) != nil { return .passphrase }
        let given = sources.contains {
            // A terminal by itself is no wish for a passphrase.
            if case .prompt = $0 { false } else { true }
        }
        return given ? .passphrase : .localKey
    }

    private func secret(
        for protection: SealedKeyFile.Protection,
        name: String
    ) throws(KeyStoreError) -> SealedKeyFile.Secret {
        switch protection {
        case .localKey: return .localKey(try localKey(for: name))
        case .passphrase: return .passphrase(try knownPassphrase(for: name))
        }
    }

    private func knownPassphrase(for name: String) throws(KeyStoreError) -> [UInt8] {
        if let known = passphrase.withLock({ $0 }) { return known }
        for source in sources {
            let found = try storing { () throws(StorageError) in try source.read() }
            guard let found else { continue }
            passphrase.withLock { $0 = found }
            return found
        }
        throw .passphraseNeeded(name: name)
    }

    var localKeyPath: String { "\(folder)/\(Self.localKeyName)\(Self.suffix)" }

    /// Whether it is `keys/local.key` that is to blame, not the key that was asked for.
    public func isOfLocalKey(_ error: KeyStoreError) -> Bool {
        switch error {
        case .localKeyWrong: return true
        case .notPrivate(let path): return path == localKeyPath
        case .storage(let error): return error.path == localKeyPath
        default: return false
        }
    }

    /// Made with the first key that needs it, never again: a new one would not open the old keys.
    func localKey(for name: String) throws(KeyStoreError) -> SecretKey {
        let path = localKeyPath
        if Disk.exists(path) {
            let bytes = try privateFile(path, limit: SecretKey.byteCount)
            // Zeros are what a disk leaves that has lost the bytes: nothing is ever sealed with them.
            guard let key = SecretKey(bytes), bytes.contains(where: { $0 != 0 }) else {
                throw .localKeyWrong(name: name)
            }
            return key
        }
        guard try names().isEmpty else { throw .localKeyWrong(name: name) }
        let bytes = Self.random(SecretKey.byteCount)
        try storing { () throws(StorageError) in try Disk.write(bytes, durablyTo: path) }
        guard let key = SecretKey(bytes) else { throw .localKeyWrong(name: name) }
        return key
    }

    private static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    // MARK: Files

    /// Lower-case letters, digits, `-`, `_` and `.`, not starting with a dot: a name is a file's name.
    private static func isValid(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= maximumNameLength && name.utf8.first != UInt8(ascii: ".")
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    func path(of name: String) throws(KeyStoreError) -> String {
        guard Self.isValid(name), name != Self.localKeyName else { throw .invalidName(name) }
        return "\(folder)/\(name)\(Self.suffix)"
    }

    private func sealedFile(_ name: String) throws(KeyStoreError) -> SealedKeyFile {
        let path = try path(of: name)
        guard Disk.exists(path) else { throw .noSuchKey(name: name) }
        let bytes = try privateFile(path, limit: SealedKeyFile.maximumByteCount)
        do throws(SealedKeyFileError) {
            return try SealedKeyFile(bytes)
        } catch {
            throw .damaged(name: name, error)
        }
    }

    func privateFile(_ path: String, limit: Int) throws(KeyStoreError) -> [UInt8] {
        let status = try storing { () throws(StorageError) in try Disk.status(of: path) }
        guard status.kind == .file, status.permissions & 0o077 == 0 else { throw .notPrivate(path: path) }
        return try storing { () throws(StorageError) in try Disk.read(path, limit: limit) }
    }

    func storing<Value>(_ body: () throws(StorageError) -> Value) throws(KeyStoreError) -> Value {
        do throws(StorageError) {
            return try body()
        } catch {
            throw .storage(error)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
public import Keys
public import Storage
internal import Synchronization
internal import Wire

/// All secret keys of one home: of the device, of its identities, of its own sites.
///
/// Works without a running node: files are replaced whole, and only what is asked for is opened. With a passphrase
/// each opening takes a noticeable part of a second. Errors are `.notPermitted` where a passphrase is needed and
/// none comes.
public final class NodeKeys: Sendable {
    let home: Home
    let store: KeyStore
    /// Held while a file is read, changed and written.
    let changes = Mutex(())
    private let knownDevice = Mutex<SecretKey?>(nil)

    static let deviceName = "device"

    /// The keys of `home`, which need not exist: nothing is read or made yet. `cost` is of files that a passphrase
    /// seals from now on.
    public init(home: Home, passphrases: [PassphraseSource] = [], cost: PassphraseCost = .standard) {
        self.home = home
        store = KeyStore(home: home, sources: passphrases, cost: cost)
    }

    /// The keys of `home`, and the device's made where there are none.
    public static func open(home: Home, passphrases: [PassphraseSource] = []) throws(NodeError) -> NodeKeys {
        let keys = NodeKeys(home: home, passphrases: passphrases)
        _ = try keys.device()
        // What is wrong with an identity keeps no node from starting: the doctor says it.
        try? keys.copyPublicHalves()
        try? keys.remember()
        return keys
    }

    /// Seals keys with `passphrase` from now on. Only before the first key: later ones follow it.
    public func usePassphrase(_ passphrase: [UInt8]) { store.usePassphrase(passphrase) }

    // MARK: The device

    /// Whether this home has a device key.
    public var hasDevice: Bool { has(Self.deviceName) }

    /// Whether the device's key opens with a passphrase alone.
    public var needsPassphrase: Bool { (try? store.protection(of: Self.deviceName)) == .passphrase }

    /// The device's seed; drawn where the home has none, which makes it another device to everybody.
    func device() throws(NodeError) -> DeviceSeed {
        if let known = knownDevice.withLock({ $0 }) { return DeviceSeed(known) }
        let seed = try changing { () throws(NodeError) in
            if let bytes = try load(Self.deviceName) {
                guard let seed = SecretKey(bytes) else { throw NodeKeys.damaged(Self.deviceName) }
                return seed
            }
            let seed = Self.newSeed()
            if try !names(startingWith: "").isEmpty { try rememberLostDevice() }
            try save(seed.bytes, as: Self.deviceName)
            return seed
        }
        knownDevice.withLock { $0 = seed }
        return DeviceSeed(seed)
    }

    /// Whether the file of the device's key is here, sound or not.
    var hasDeviceFile: Bool { store.hasFile(Self.deviceName) }

    /// Whether the device's key is in use here and its file is gone.
    var hasLostDeviceFile: Bool { !hasDeviceFile && knownDevice.withLock { $0 != nil } }

    /// Writes the device's key that is in use here to its file.
    func restoreDeviceFile() throws(NodeError) {
        guard let seed = knownDevice.withLock({ $0 }) else { return }
        try changing { () throws(NodeError) in try save(seed.bytes, as: Self.deviceName) }
    }

    /// The peer that the device's file makes; nil where there is none.
    func peerOfDeviceFile() throws(NodeError) -> PeerID? {
        guard let bytes = try load(Self.deviceName) else { return nil }
        guard let seed = SecretKey(bytes) else { throw Self.damaged(Self.deviceName) }
        return PeerID(DeviceSeed(seed).peerKey(network: Array("mainline".utf8)).publicKey)
    }

    /// The key of this peer in the network of that id; Mainline's is `mainline`.
    func peerKey(network: String) throws(NodeError) -> SigningKey {
        try device().peerKey(network: Array(network.utf8))
    }

    /// The name of this peer in a network. It tells nothing of the peer in another.
    public func peerID(network: String = "mainline") throws(NodeError) -> PeerID {
        PeerID(try peerKey(network: network).publicKey)
    }
}

extension NodeKeys {
    static func newSeed() -> SecretKey {
        guard let seed = SecretKey(randomBytes(SecretKey.byteCount)) else { preconditionFailure("32 bytes are a seed") }
        return seed
    }

    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    static func damaged(_ name: String) -> NodeError {
        NodeError(
            .badData,
            "the key file keys/\(name).key opens, and what it holds is no key of that kind",
            remedy: remedy(for: name)
        )
    }

    func has(_ name: String) -> Bool { (try? store.protection(of: name)) != nil }

    func load(_ name: String) throws(NodeError) -> [UInt8]? {
        do throws(KeyStoreError) {
            return try store.load(name)
        } catch .noSuchKey {
            return nil
        } catch {
            throw NodeError(error)
        }
    }

    /// Durable when it returns. Makes the home where there is none.
    func save(_ content: [UInt8], as name: String) throws(NodeError) {
        do throws(StorageError) { try home.prepare() } catch { throw NodeError(error) }
        do throws(KeyStoreError) { try store.save(content, as: name) } catch { throw NodeError(error) }
    }

    func names(startingWith prefix: String) throws(NodeError) -> [String] {
        do throws(KeyStoreError) {
            return try store.names().filter { $0.hasPrefix(prefix) }
        } catch .storage(.notFound) {
            return []
        } catch {
            throw NodeError(error)
        }
    }

    /// One change at a time. Not re-entrant.
    func changing<Value: Sendable>(_ body: () throws(NodeError) -> Value) throws(NodeError) -> Value {
        try changes.withLock { _ throws(NodeError) in try body() }
    }
}

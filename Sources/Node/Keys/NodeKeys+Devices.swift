// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// Which devices may act for an identity. A nil identity is the default one.
extension NodeKeys {
    /// Those of the identity that is named.
    public func devices(of identity: String?) throws(NodeError) -> [DeviceSummary] {
        try summaries(try knownIdentity(identity))
    }

    /// The key that this device has for an identity, which need not be here: its owner admits it elsewhere.
    public func deviceKey(for identity: String?) throws(NodeError) -> String {
        let id: Digest256
        if let identity, let named = Digest256(hex: identity) {
            id = named
        } else {
            id = try knownIdentity(identity).identity.id
        }
        return try device().deviceKey(identity: id).publicKey.description
    }

    /// Admits a device by its key in hex; nil admits this one.
    public func addDevice(_ key: String?, name: String, to identity: String?) throws(NodeError) -> [DeviceSummary] {
        try KnownIdentity.checkName(name)
        let device = try device()
        return try changing { () throws(NodeError) in
            let known = try knownIdentity(identity)
            let new = key.map { PublicKey(hex: $0) } ?? device.deviceKey(identity: known.identity.id).publicKey
            guard let new else {
                throw NodeError(
                    .usage,
                    "a device key has 64 hexadecimal digits",
                    remedy: "`roost device key IDENTITY` prints it on the other device."
                )
            }
            guard known.identity.devices.allSatisfy({ $0.key != new && $0.name != name }) else {
                throw NodeError(
                    .cannotCreate,
                    "the identity '\(known.name)' admits a device of that key or name already",
                    remedy: "`roost device list` shows them."
                )
            }
            guard known.identity.devices.count < IdentityStatement.maximumDevices else {
                throw NodeError(
                    .cannotCreate,
                    "an identity admits at most \(IdentityStatement.maximumDevices) devices",
                    remedy: "Remove one with `roost device remove`."
                )
            }
            return try setDevices(known.identity.devices + [.init(key: new, name: name)], of: known)
        }
    }

    /// Takes back the admission of a device, by its key in hex or its name.
    public func removeDevice(_ device: String, from identity: String?) throws(NodeError) -> [DeviceSummary] {
        _ = try self.device()
        return try changing { () throws(NodeError) in
            let known = try knownIdentity(identity)
            let devices = known.identity.devices
            let rest = devices.filter { $0.name != device && $0.key.description != device.lowercased() }
            guard rest.count < devices.count else {
                throw NodeError(
                    .noInput,
                    "the identity '\(known.name)' admits no device '\(device)'",
                    remedy: "`roost device list` shows them."
                )
            }
            return try setDevices(rest, of: known)
        }
    }

    private func setDevices(
        _ devices: [IdentityStatement.Device],
        of known: KnownIdentity
    ) throws(NodeError) -> [DeviceSummary] {
        var known = known
        let keys = try identityKeys(of: known)
        guard let statement = keys.update(known.identity, devices: devices, at: UInt64(max(0, WallClock.seconds)))
        else {
            throw Self.damaged(Self.name(ofIdentity: known.identity.id))
        }
        do throws(IdentityError) {
            try known.append(statement)
        } catch {
            throw NodeError(unexpected: error)
        }
        // The copy first: one that is older than what the world has seen would be a fork when it is taken.
        try save(IdentityKeyFile(keys: keys, known: known), of: known.identity.id)
        try save(known)
        return try summaries(known)
    }

    private func summaries(_ known: KnownIdentity) throws(NodeError) -> [DeviceSummary] {
        // Listing works without a passphrase; which device is this one then stays open.
        let own = hasDevice ? (try? device())?.deviceKey(identity: known.identity.id).publicKey : nil
        return known.identity.devices.map {
            DeviceSummary(key: $0.key.description, name: $0.name, isThis: $0.key == own)
        }
    }
}

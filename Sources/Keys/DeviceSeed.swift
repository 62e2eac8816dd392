// SPDX-License-Identifier: Apache-2.0
public import Wire

/// The one secret of a device, from which its keys are derived, so that neither two networks nor two identities can
/// tell that they have a device in common.
public struct DeviceSeed: Sendable {
    private let secret: SecretKey

    /// 32 random bytes, made once when the home is made.
    public init(_ secret: SecretKey) { self.secret = secret }

    /// The key of this peer in one network: `HKDF(seed, info: "roost/peer/1" ‖ 0x00 ‖ network id)`.
    public func peerKey(network: [UInt8]) -> SigningKey { key(for: "roost/peer/1", scope: network) }

    /// The key that an identity admits for this device: `HKDF(seed, info: "roost/device/1" ‖ 0x00 ‖ identity id)`.
    public func deviceKey(identity: Digest256) -> SigningKey { key(for: "roost/device/1", scope: identity.bytes) }

    private func key(for purpose: String, scope: [UInt8]) -> SigningKey {
        SigningKey(HKDF.deriveKey(secret: secret.bytes, info: Array(purpose.utf8) + [0] + scope))
    }
}

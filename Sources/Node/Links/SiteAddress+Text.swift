// SPDX-License-Identifier: Apache-2.0
internal import Keys
public import Wire

extension SiteAddress {
    /// What names it on this node and in its gateway: of a site its id, of a tree a hash that stands for it.
    public var id: Digest256 {
        switch self {
        case .site(let site): site
        case .key(let key, _): key.identifier
        case .tree(_, let v2?): v2
        case .tree(let v1, _): Hash.sha256(Array("roost/tree/v1".utf8) + (v1 ?? .zero).bytes)
        }
    }

    /// The address as people pass it on.
    public var text: String {
        switch self {
        case .site(let site): "betanet://\(site.hex)"
        case .key(let key, let salt):
            "magnet:?xs=urn:btpk:\(key.hex)" + (salt.isEmpty ? "" : "&s=\(Hex.encode(salt))")
        case .tree(let v1, let v2):
            "magnet:?"
                + [v1.map { "xt=urn:btih:\($0.hex)" }, v2.map { "xt=urn:btmh:1220\($0.hex)" }]
                .compactMap { $0 }.joined(separator: "&")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Feeds
internal import Wire

/// One setting by its name in `config.toml`: how it is read and printed. The one table behind files, variables, flags
/// and `roost config`.
struct ConfigurationKey: Sendable {
    let name: String
    /// What it accepts, for error messages.
    let form: String
    /// Sets the value; false where `text` is not of the form.
    let set: @Sendable (inout NodeConfiguration, String) -> Bool
    let print: @Sendable (NodeConfiguration) -> String

    /// `ROOST_LISTEN` for `listen`.
    var variable: String { "ROOST_" + name.uppercased().replacing("-", with: "_") }

    static let all: [ConfigurationKey] = general + sources + limits

    private static let general: [ConfigurationKey] = [
        endpoint("listen", \.listen, loopbackOnly: false),
        ConfigurationKey(name: "listen6", form: "auto, off or an IPv6 address") { configuration, text in
            guard let place = IPv6Listening(text) else { return false }
            configuration.listen6 = place
            return true
        } print: {
            $0.listen6.description
        },
        endpoint("gateway", \.gateway, loopbackOnly: true),
        endpoint("control", \.control, loopbackOnly: true),
        ConfigurationKey(name: "network", form: "mainline or none") { configuration, text in
            guard ["mainline", "none"].contains(text) else { return false }
            configuration.network = text
            return true
        } print: {
            $0.network
        },
        ConfigurationKey(name: "bootstrap", form: "HOST:PORT, several with commas between") { configuration, text in
            let nodes = text.split(separator: ",").map { $0.trimmed }
            guard nodes.count <= 64, nodes.allSatisfy(isHostAndPort) else { return false }
            configuration.bootstrap = nodes
            return true
        } print: {
            $0.bootstrap.joined(separator: ",")
        },
        number("dht-bucket", in: 1...64, \.dhtBucket), number("dht-queries", in: 10...1000, \.dhtQueries),
        ConfigurationKey(name: "serve", form: "own, while-open or quota") { configuration, text in
            guard let policy = ServePolicy(rawValue: text) else { return false }
            configuration.serve = policy
            return true
        } print: {
            $0.effectiveServe.rawValue
        },
        ConfigurationKey(name: "quota", form: "a number of bytes from 1048576") { configuration, text in
            guard let bytes = Int64(text), (1 << 20...16 << 40).contains(bytes) else { return false }
            configuration.quota = bytes
            return true
        } print: {
            String($0.quota)
        },
        ConfigurationKey(name: "cache-share", form: "a share from 0 to 1, such as 0.3") { configuration, text in
            guard let share = Double(text), (0...1).contains(share) else { return false }
            configuration.cacheShare = share
            return true
        } print: {
            String($0.cacheShare)
        },
        ConfigurationKey(name: "encryption", form: "offer, require or off") { configuration, text in
            guard let policy = EncryptionPolicy(rawValue: text) else { return false }
            configuration.encryption = policy
            return true
        } print: {
            $0.encryption.rawValue
        },
        toggle("port-mapping", \.portMapping) { $0.effectivePortMapping },
        toggle("local-discovery", \.localDiscovery) { $0.effectiveLocalDiscovery },
        toggle("zone-announcement", \.zoneAnnouncement) { $0.effectiveZoneAnnouncement },
        toggle("accept-pushes", \.acceptPushes) { $0.effectiveAcceptPushes },
        ConfigurationKey(name: "log-level", form: "trace, debug, info, notice, warning or error") {
            configuration,
            text in
            guard ["trace", "debug", "info", "notice", "warning", "error"].contains(text) else { return false }
            configuration.logLevel = text
            return true
        } print: {
            $0.logLevel
        },
        ConfigurationKey(name: "local-congestion", form: "a TCP congestion control of this system") {
            configuration,
            text in
            guard text.utf8.count < 16, text.utf8.allSatisfy({ (97...122).contains($0) }) else { return false }
            configuration.localCongestion = text
            return true
        } print: {
            $0.localCongestion
        },
    ]

    /// On or off; what is in force where nobody said.
    private static func toggle(
        _ name: String,
        _ path: any WritableKeyPath<NodeConfiguration, Bool?> & Sendable,
        effective: @escaping @Sendable (NodeConfiguration) -> Bool
    ) -> ConfigurationKey {
        ConfigurationKey(name: name, form: "on or off") { configuration, text in
            guard text == "on" || text == "off" else { return false }
            configuration[keyPath: path] = text == "on"
            return true
        } print: {
            effective($0) ? "on" : "off"
        }
    }

    private static func endpoint(
        _ name: String,
        _ path: any WritableKeyPath<NodeConfiguration, Endpoint> & Sendable,
        loopbackOnly: Bool
    ) -> ConfigurationKey {
        let form = loopbackOnly ? "a loopback ADDRESS:PORT" : "ADDRESS:PORT"
        return ConfigurationKey(name: name, form: form) { configuration, text in
            guard let endpoint = Endpoint(text), !loopbackOnly || endpoint.address.isLoopback else { return false }
            configuration[keyPath: path] = endpoint
            return true
        } print: {
            $0[keyPath: path].description
        }
    }

    private static func isHostAndPort(_ text: String) -> Bool {
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex else { return false }
        return UInt16(text[text.index(after: colon)...]).map { $0 > 0 } ?? false
    }
}

extension StringProtocol {
    var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

extension ConfigurationKey {
    /// Where torrents are found beside the DHT.
    static let sources: [ConfigurationKey] = [
        urls("trackers", \.trackers, isValid: { _ in true }),
        urls("web-seeds", \.webSeeds) { $0.scheme != .udp },
        ConfigurationKey(name: "allow-local-sources", form: "on or off") { configuration, text in
            guard text == "on" || text == "off" else { return false }
            configuration.allowLocalSources = text == "on"
            return true
        } print: {
            $0.allowLocalSources ? "on" : "off"
        },
    ]

    private static func urls(
        _ name: String,
        _ path: any WritableKeyPath<NodeConfiguration, [String]> & Sendable,
        isValid: @escaping @Sendable (ServiceURL) -> Bool
    ) -> ConfigurationKey {
        let form = "URLs with commas between, at most \(FeedSpecification.sources), or nothing"
        return ConfigurationKey(name: name, form: form) { configuration, text in
            let urls = text.split(separator: ",").map { $0.trimmed }
            let areValid = urls.allSatisfy { url in
                url.utf8.count <= FeedSpecification.sourceBytes && (ServiceURL(url).map(isValid) ?? false)
            }
            guard areValid, urls.count <= FeedSpecification.sources else { return false }
            configuration[keyPath: path] = urls
            return true
        } print: {
            $0[keyPath: path].joined(separator: ",")
        }
    }
}

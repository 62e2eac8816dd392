// SPDX-License-Identifier: Apache-2.0

extension ConfigurationKey {
    /// Of ``NodeLimits``. All are live.
    static let limits: [ConfigurationKey] = [
        rate("download-limit", \.limits.everything.download), rate("upload-limit", \.limits.everything.upload),
        rate("torrent-download-limit", \.limits.torrent.download),
        rate("torrent-upload-limit", \.limits.torrent.upload),
        rate("network-download-limit", \.limits.network.download),
        rate("network-upload-limit", \.limits.network.upload),
        number("maximum-peers", in: 8...4096, \.limits.maximumPeers),
        number("maximum-dials", in: 1...1000, \.limits.maximumDials),
    ]

    static func number(
        _ name: String,
        in range: ClosedRange<Int>,
        _ path: any WritableKeyPath<NodeConfiguration, Int> & Sendable
    ) -> ConfigurationKey {
        let form = "a number from \(range.lowerBound) to \(range.upperBound)"
        return ConfigurationKey(name: name, form: form) { configuration, text in
            guard let count = Int(text), range.contains(count) else { return false }
            configuration[keyPath: path] = count
            return true
        } print: {
            String($0[keyPath: path])
        }
    }

    /// Slower than this nothing would move: a block has 16 KiB.
    private static let slowest = 1024

    private static func rate(
        _ name: String,
        _ path: any WritableKeyPath<NodeConfiguration, Int?> & Sendable
    ) -> ConfigurationKey {
        let form = "bytes a second, from \(slowest), or 0 for no limit"
        return ConfigurationKey(name: name, form: form) { configuration, text in
            guard let rate = Int(text), rate == 0 || (slowest...1 << 40).contains(rate) else { return false }
            configuration[keyPath: path] = rate == 0 ? nil : rate
            return true
        } print: {
            String($0[keyPath: path] ?? 0)
        }
    }
}

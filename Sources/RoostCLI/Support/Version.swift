// SPDX-License-Identifier: Apache-2.0

/// What this program is, for `--version`, `status` and the client name that peers see.
enum Version {
    static let number = "0.1.0"
    static let text = "roost \(number)"
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// The user's web browser.
enum Browser {
    /// Opens `url`, and leaves it at the printed address where there is no desktop.
    static func open(_ url: String) {
        let hasDesktop = ["DISPLAY", "WAYLAND_DISPLAY"].contains { ProcessInfo.processInfo.environment[$0] != nil }
        guard hasDesktop else { return }
        let opener = Process()
        opener.executableURL = URL(fileURLWithPath: "/usr/bin/xdg-open")
        opener.arguments = [url]
        opener.standardOutput = FileHandle.nullDevice
        opener.standardError = FileHandle.nullDevice
        // Without xdg-open the address on standard output is what the user has.
        try? opener.run()
    }
}

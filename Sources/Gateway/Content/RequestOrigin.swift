// SPDX-License-Identifier: Apache-2.0

/// What a request tells about who caused it: fetch metadata (W3C "Fetch Metadata Request Headers"), `Origin` and
/// `Referer`. None of it can be set by a page; all of it may be missing.
struct RequestOrigin: Equatable, Sendable {
    /// `Sec-Fetch-Site`: `same-origin`, `same-site`, `cross-site`, `none`.
    var site: String?
    /// `Sec-Fetch-Mode`: `navigate`, `no-cors`, `cors`, `same-origin`, `websocket`.
    var mode: String?
    /// `Sec-Fetch-Dest`: `document`, `iframe`, `image`, `empty`, …
    var destination: String?
    /// `Sec-Purpose`: `prefetch` where a page asks for what its reader may never see.
    var purpose: String?
    var origin: String?
    /// One, or more where something between here and the browser put its own beside it.
    var referers: [String] = []
    var userAgent: String?
    /// `Upgrade` is there, or any header of a WebSocket handshake.
    var wantsUpgrade = false

    var hasMetadata: Bool { site != nil || mode != nil || destination != nil }
    var isPrefetch: Bool { purpose?.contains("prefetch") ?? false }

    /// A page of `origin`, which is `http://host:port`, is named, and nobody else's.
    func refers(to origin: String) -> Bool {
        !referers.isEmpty && referers.allSatisfy { $0 == origin || $0.hasPrefix(origin + "/") }
    }

    /// A browser's, by its own words. Programs that speak for their user call themselves otherwise.
    var isBrowser: Bool { userAgent?.hasPrefix("Mozilla/") ?? false }
}

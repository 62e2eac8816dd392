// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird

/// The header fields that every response of a content origin carries, errors included.
enum ContentPolicy {
    /// A page stays on its own origin: what it loads, asks, sends and who may frame it.
    static let contentSecurity =
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'self'"

    static func apply(to headers: inout HTTPFields) {
        headers[named: "Content-Security-Policy"] = contentSecurity
        headers[named: "Cross-Origin-Opener-Policy"] = "same-origin"
        headers[named: "Referrer-Policy"] = "same-origin"
        headers[named: "X-Content-Type-Options"] = "nosniff"
        // Beyond the surface: other origins cannot embed a part even out of the browser's cache, and a page cannot tell
        // the world something by the names it has looked up.
        headers[named: "Cross-Origin-Resource-Policy"] = "same-origin"
        headers[named: "X-DNS-Prefetch-Control"] = "off"
        if headers[named: "Cache-Control"] == nil { headers[named: "Cache-Control"] = "no-store" }
    }
}

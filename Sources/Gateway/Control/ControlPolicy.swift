// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird

/// The header fields of every response of the control server.
enum ControlPolicy {
    /// Only files from here, no inline script or style, no markup made from text, no frames.
    static let contentSecurity = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ].joined(separator: "; ")

    static func apply(to headers: inout HTTPFields) {
        headers[named: "Content-Security-Policy"] = contentSecurity
        headers[named: "Cross-Origin-Opener-Policy"] = "same-origin"
        headers[named: "Cross-Origin-Resource-Policy"] = "same-origin"
        headers[named: "Referrer-Policy"] = "no-referrer"
        headers[named: "X-Content-Type-Options"] = "nosniff"
        headers[named: "Cache-Control"] = "no-store"
    }
}

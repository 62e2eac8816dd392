// SPDX-License-Identifier: Apache-2.0

/// Why an HTTP request brought nothing.
public enum HTTPError: Error, Equatable, Sendable {
    /// The name has no address.
    case unresolvable
    /// The address policy allows none of the addresses, or not the port.
    case forbidden
    /// Nobody accepts a connection there.
    case unreachable
    /// The certificate is not one for this name that a known authority has signed, or there is no TLS.
    case untrusted
    /// What came is no HTTP, or not what was asked for.
    case malformed
    /// More than the limit that was set.
    case tooLarge
    /// No answer in time, or too slow a one.
    case timeout
    /// More redirects than ``HTTPConfiguration/maximumRedirects``, one from https to http, or to no URL.
    case badRedirect
    /// The server, or we ourselves, closed before the end.
    case closed
}

// SPDX-License-Identifier: Apache-2.0
public import NIOCore

/// How HTTP is spoken to trackers and web seeds.
public struct HTTPConfiguration: Sendable {
    public var userAgent = "Roost"
    /// For one address; four addresses of a name are tried.
    public var connectTimeout = TimeAmount.seconds(8)
    /// How long a server may take for ``leastBytes`` more, from the request on. Who is slower is given up.
    public var patience = TimeAmount.seconds(20)
    public var leastBytes = 1024
    public var maximumRedirects = 5
    /// The largest head of an answer in bytes, as far as it is looked at; NIO itself refuses more than 80 KiB.
    public var maximumHeadBytes = 32_768
    /// Certificates in PEM that are believed besides those that the system knows.
    public var additionalTrustRoots: [UInt8]?

    public init() {}
}

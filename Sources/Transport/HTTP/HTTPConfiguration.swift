// SPDX-License-Identifier: Apache-2.0
public import NIOCore

/// How HTTP is spoken to trackers and web seeds.
public struct HTTPConfiguration: Sendable {
    /// What servers are told that we are.
    public var userAgent = "Roost"
    /// For one address; four addresses of a name are tried.
    public var connectTimeout = TimeAmount.seconds(8)
    /// How long a server may take for ``leastBytes`` more, from the request on. Who is slower is given up.
    public var patience = TimeAmount.seconds(20)
    /// Bytes in ``patience``, which comes to about 50 a second: less is a server that holds us.
    public var leastBytes = 1024
    /// Places that one answer may be moved to, one after the other.
    public var maximumRedirects = 5
    /// The largest head of an answer in bytes, as far as it is looked at; NIO itself refuses more than 80 KiB.
    public var maximumHeadBytes = 32_768
    /// Certificates in PEM that are believed besides those that the system knows.
    public var additionalTrustRoots: [UInt8]?

    /// The defaults: for servers anywhere, and the authorities that the system knows.
    public init() {}
}

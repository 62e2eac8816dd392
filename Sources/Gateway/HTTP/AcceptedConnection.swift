// SPDX-License-Identifier: Apache-2.0
internal import HummingbirdCore
internal import NIOCore

/// A connection that a server has accepted, whether or not it comes to take it up.
///
/// A server that ends lets go of those it has not taken up, and NIO ends the process where nobody has finished what is
/// written to one (apple/swift-nio#2813, 2.101). So a connection that is let go of is closed, which finishes it, and
/// held until it is.
final class AcceptedConnection: ServerChildChannelValue {
    let http: HTTP1Channel.Value

    var channel: any Channel { http.channel }

    init(_ http: HTTP1Channel.Value) {
        self.http = http
    }

    deinit {
        let http = http
        // Nothing is left to do where it was taken up: that closes it too.
        http.channel.close(promise: nil)
        http.channel.closeFuture.whenComplete { _ in withExtendedLifetime(http) {} }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import NIOHTTPTypes

/// Notices that the other end of a connection closed it, or will send no more, while an answer is still being made.
///
/// Hummingbird's own way (`consumeWithInboundCloseHandler`, 2.28) is not used: it traps where the connection ends before
/// the end of a request's body.
final class ClientWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    let departure = ClientDeparture()
    private let connections: ConnectionCount

    init(_ connections: ConnectionCount) {
        self.connections = connections
    }

    func handlerAdded(context: ChannelHandlerContext) { connections.opened() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { departure.happened() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        departure.happened()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        connections.closed()
        departure.happened()
    }
}

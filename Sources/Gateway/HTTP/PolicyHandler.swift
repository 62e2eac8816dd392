// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Puts a server's policy on every response head that leaves, also on those that never reach a responder, such as the
/// answer to a request that cannot be parsed.
final class PolicyHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let apply: @Sendable (inout HTTPFields) -> Void

    init(apply: @escaping @Sendable (inout HTTPFields) -> Void) {
        self.apply = apply
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else {
            context.write(data, promise: promise)
            return
        }
        apply(&head.headerFields)
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}

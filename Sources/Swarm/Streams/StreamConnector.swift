// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Transport
internal import Wire

/// Makes streams to peers. Confined to the swarm's event loop.
final class StreamConnector {
    static let patience = TimeAmount.seconds(10)

    private let loop: any EventLoop
    private let sockets: TCPSockets

    init(loop: any EventLoop, sockets: TCPSockets) {
        self.loop = loop
        self.sockets = sockets
    }

    /// Connects to `endpoint`; `completion` gets the stream, or nil where there is none to be had, never before this returns.
    func connect(to endpoint: Endpoint, completion: @escaping ((any PeerByteStream)?) -> Void) {
        connectTCP(to: endpoint, completion: completion)
    }

    private func connectTCP(to endpoint: Endpoint, completion: @escaping ((any PeerByteStream)?) -> Void) {
        let stream = TCPPeerStream(endpoint: endpoint)
        let bound = NIOLoopBound(stream, eventLoop: loop)
        let connected = sockets.connect(to: endpoint, timeout: Self.patience) { channel in
            try channel.pipeline.syncOperations.addHandler(bound.value)
        }
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success: completion(stream)
            case .failure: completion(nil)
            }
        }
    }
}

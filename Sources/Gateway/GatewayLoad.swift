// SPDX-License-Identifier: Apache-2.0
internal import Node

/// What the two servers of one node have to do now, for `status`: given to both.
public final class GatewayLoad: Sendable {
    /// Connections of one server at once; more wait in the kernel. A browser opens six an origin.
    static let mostConnections = 512

    let content = ConnectionCount()
    let control = ConnectionCount()

    /// Nothing yet.
    public init() {}

    var queues: [NodeStatus.Torrent.Queue] {
        [
            NodeStatus.Torrent.Queue(
                name: "gateway connections",
                used: content.value,
                bound: Self.mostConnections
            ),
            NodeStatus.Torrent.Queue(
                name: "control connections",
                used: control.value,
                bound: Self.mostConnections
            ),
        ]
    }
}

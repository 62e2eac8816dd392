// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Transport

/// What all torrents of a swarm share.
struct SwarmServices: Sendable {
    let loop: any EventLoop
    let connector: NIOLoopBoundBox<StreamConnector>
    let disk: DiskPool
    let buffers: NIOLoopBoundBox<BufferPool>
    let budget: ConnectionBudget
    let trackers: TrackerClient
    let web: HTTPDialer
    let webPlaces = WebSeedPlaces()
    /// Connections that are being made.
    let dials: ConnectionBudget
    let limits: NIOLoopBoundBox<SwarmLimits>
}

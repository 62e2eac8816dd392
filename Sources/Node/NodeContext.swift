// SPDX-License-Identifier: Apache-2.0
internal import Logging
internal import NIOCore
internal import Storage

/// What every service of one node shares.
struct NodeContext: Sendable {
    let home: Home
    let content: ContentStore
    let metadata: MetadataStore
    let admission: Admission
    let keeper: Keeper
    let keys: NodeKeys
    let settings: LiveConfiguration
    let group: any EventLoopGroup
    /// Runs what blocks: disk, database, hashing in bulk.
    let blocking: BlockingPool
    let logger: Logger
    /// Of the program, such as `0.1.0`.
    let version: String

    /// As it is now: what a service reads here may be another value the next time.
    var configuration: NodeConfiguration { settings.current }
}

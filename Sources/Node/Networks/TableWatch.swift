// SPDX-License-Identifier: Apache-2.0
internal import Kademlia
internal import Logging

/// Tells the log and others how many nodes are known, as far as it matters.
struct TableWatch {
    private let network: String
    private let logger: Logger
    private var count = 0

    init(network: String, logger: Logger) {
        self.network = network
        self.logger = logger
    }

    /// - Returns: whether there are more nodes than before where there were too few for a search to find all that the
    ///   network has: what was published until then is worth publishing again.
    mutating func grew(to new: Int) -> Bool {
        defer { count = new }
        if count == 0, new > 0 {
            logger.info("dht entered", metadata: ["dht.network": "\(network)", "dht.nodes": "\(new)"])
        } else if count > 0, new == 0 {
            logger.notice("dht lost: no node answers", metadata: ["dht.network": "\(network)"])
        }
        return new > count && count < DHTSpecification.bucketSize
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// How a publish pass runs.
public struct PublishOptions: Sendable {
    /// What a pass does at the moment, in this order.
    public enum Stage: String, Sendable {
        /// The folder's files are copied into the content store.
        case storing
        /// The copies are read, once, for all hashes.
        case hashing
    }

    /// Called from any thread, some hundred times a pass: stage, bytes done, bytes in all.
    public typealias Report = @Sendable (Stage, Int64, Int64) -> Void

    /// Threads that copy and hash; by default one a core. Each takes 1 MiB for reading.
    public var workers: Int
    /// Copy only what changed since the last publish of the folder, as device, inode, length and times tell.
    public var trustsTimes = true
    /// Asked between portions, from any thread; once it says yes, the pass throws.
    public var isCancelled: @Sendable () -> Bool = { false }
    /// Does nothing by default.
    public var report: Report = { _, _, _ in }

    /// The defaults; nil workers are one a core.
    public init(workers: Int? = nil) {
        self.workers = max(1, workers ?? ProcessInfo.processInfo.activeProcessorCount)
    }
}

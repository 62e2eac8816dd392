// SPDX-License-Identifier: Apache-2.0

/// Something in a folder that its site does not get, and why.
public struct SkippedFile: Equatable, Sendable {
    /// Why a site does not get it; ``why`` has it in words.
    public enum Reason: Equatable, Sendable {
        case linkLeavesFolder(target: String)
        case linkDangles(target: String)
        /// A link to a folder above itself, or links that lead round.
        case linkLoops
        /// A link into what is left out: version control, the site marker.
        case linkToExcluded
        /// A socket, pipe or device.
        case specialFile
        case nameNotUTF8
        /// The file system does not let this user read it.
        case unreadable
        /// Removed while the folder was being read.
        case vanished
    }

    /// From the folder, `/` between components; bytes that are no UTF-8 are shown as U+FFFD.
    public var path: String
    /// What a person is told.
    public var reason: Reason

    /// For the folder's walk, which finds them.
    public init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// The reason in words.
    public var why: String {
        switch reason {
        case .linkLeavesFolder(let target): "a link that leaves the folder, to \(target)"
        case .linkDangles(let target): "a link to \(target), which is not there"
        case .linkLoops: "a link that leads back to itself"
        case .linkToExcluded: "a link into a folder that is not published"
        case .specialFile: "neither a file nor a folder"
        case .nameNotUTF8: "a name that is not UTF-8"
        case .unreadable: "not readable by this user"
        case .vanished: "removed while the folder was being read"
        }
    }
}

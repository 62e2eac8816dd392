// SPDX-License-Identifier: Apache-2.0

/// Why the node could not do what was asked, as people and programs outside see it.
///
/// Exit codes of the program and statuses of HTTP follow from ``Kind`` alone.
public struct NodeError: Error, Equatable, Codable {
    /// What went wrong, in the few cases that a caller can act on.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// The request itself is wrong. Remedy: correct the words of the call.
        case usage
        /// Bytes that are no valid torrent, link, signature or archive. Remedy: get them again from another source.
        case badData
        /// A file or folder named by the caller is not there.
        case noInput
        /// No node, no peers, or not found in time. Remedy: wait, add peers, or ask who holds it.
        case unavailable
        /// The release has no such path.
        case notFound
        /// The owner withdrew the release.
        case withdrawn
        /// A rule of this node forbids it; the message names list and rule.
        case denied
        /// Not allowed for this caller, or a passphrase is missing.
        case notPermitted
        /// Another process holds the home, or a port is taken.
        case busy
        /// The result cannot be written where it was wanted.
        case cannotCreate
        /// The disk or the network failed underneath.
        case inputOutput
        /// The configuration is wrong; the message names the key.
        case configuration
        /// A fault of ours. Remedy: report it with the log.
        case `internal`
    }

    /// Decides exit code and status.
    public var kind: Kind
    /// What happened, to whom: one sentence without a full stop.
    public var message: String
    /// What to do about it: one sentence.
    public var remedy: String

    /// Takes each value as it is.
    public init(_ kind: Kind, _ message: String, remedy: String) {
        self.kind = kind
        self.message = message
        self.remedy = remedy
    }
}

extension NodeError.Kind {
    /// The process exit code, after sysexits(3).
    public var exitCode: Int32 {
        switch self {
        case .usage: 64
        case .badData: 65
        case .noInput: 66
        case .unavailable, .notFound, .withdrawn: 69
        case .internal: 70
        case .cannotCreate: 73
        case .inputOutput: 74
        case .busy: 75
        case .notPermitted, .denied: 77
        case .configuration: 78
        }
    }

    /// The status of an answer over HTTP.
    public var httpStatus: Int {
        switch self {
        case .usage, .badData, .noInput, .configuration, .cannotCreate: 400
        case .unavailable: 503
        case .notFound: 404
        case .withdrawn: 410
        case .denied: 451
        case .notPermitted: 403
        case .busy: 409
        case .inputOutput, .internal: 500
        }
    }
}

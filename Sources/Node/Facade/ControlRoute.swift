// SPDX-License-Identifier: Apache-2.0

/// The calls of the control API under `/api/v1/`, shared by the server and the program's client.
///
/// A `GET` changes nothing and takes its argument as the query item ``argument``; a `POST` takes a JSON body.
/// `docs/protocols/control-api.md` describes the values.
public enum ControlRoute: String, Sendable, CaseIterable {
    case status
    case stop
    case doctor
    case publish
    case fetch
    /// Takes a .torrent file itself, and answers with its magnet link as a ``ControlArgument``.
    case learn = "torrent"
    case open
    case why
    case sites
    case site
    case siteHolders = "site/holders"
    case releases
    case changeSite = "site/change"
    case identities = "ids"
    case newIdentity = "ids/new"
    case denyRules = "deny"
    case addDenyRule = "deny/add"
    case removeDenyRule = "deny/remove"
    case denial = "deny/why"
    case peers
    case members = "network/members"
    case dhtTable = "dht/table"
    case dhtFind = "dht/find"
    case dhtGet = "dht/get"
    case dhtPut = "dht/put"
    case configuration = "config"
    case setConfiguration = "config/set"
    /// Hands out a one-time code for the UI: `{"code"}`, good for 60 s.
    case code = "ui/code"

    /// The name of the query item, or of the one field of a JSON body, that carries a lone argument.
    public static let argument = "value"

    /// Of the request.
    public var path: String { "/api/v1/" + rawValue }

    /// Whether the call changes something, or reaches out to the network.
    public var isPost: Bool {
        switch self {
        case .status, .sites, .site, .releases, .identities, .denyRules, .denial, .peers, .members, .dhtTable,
            .configuration:
            false
        default: true
        }
    }

    /// Of a request, in bytes. Most carry links, names and settings, the longest a recovery kit.
    public var longestBody: Int {
        self == .learn ? Self.longestTorrent : 256 << 10
    }

    /// Of a .torrent file, in bytes: longer than any whose info dictionary peers would send.
    public static let longestTorrent = 64 << 20

    /// Answers lines of JSON, `{"progress":…}` any number of times and then `{"result":…}` or `{"error":…}`.
    public var streams: Bool {
        switch self {
        case .publish, .fetch, .doctor, .why: true
        default: false
        }
    }
}

/// The body of a `POST` whose argument is one text: a link, a name, a target.
public struct ControlArgument: Equatable, Sendable, Codable {
    /// The argument.
    public var value: String

    /// Takes each value as it is.
    public init(_ value: String) {
        self.value = value
    }
}

/// The body of ``ControlRoute/doctor``.
public struct DoctorRequest: Equatable, Sendable, Codable {
    /// Whether to mend what can be mended without loss.
    public var repair: Bool

    /// Takes each value as it is.
    public init(repair: Bool) {
        self.repair = repair
    }
}

/// The body of ``ControlRoute/changeSite``.
public struct SiteChangeRequest: Equatable, Sendable, Codable {
    /// The site, as a link.
    public var address: String
    /// What is to happen to it.
    public var change: SiteChange

    /// Takes each value as it is.
    public init(address: String, change: SiteChange) {
        self.address = address
        self.change = change
    }
}

/// The body of ``ControlRoute/setConfiguration``.
public struct ConfigurationChange: Equatable, Sendable, Codable {
    /// As in `config.toml`.
    public var key: String
    /// As text, checked before it is written.
    public var value: String

    /// Takes each value as it is.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// One line of a streamed answer: exactly one of the three.
public struct ControlLine<Result: Codable & Sendable>: Codable, Sendable {
    /// How far the call is.
    public var progress: NodeProgress?
    /// Its end, where it succeeded.
    public var result: Result?
    /// Its end, where it failed.
    public var error: NodeError?

    /// Takes each value as it is.
    public init(progress: NodeProgress? = nil, result: Result? = nil, error: NodeError? = nil) {
        self.progress = progress
        self.result = result
        self.error = error
    }
}

/// An answer that failed.
public struct ControlFailure: Codable, Sendable {
    /// Why.
    public var error: NodeError

    /// Takes each value as it is.
    public init(_ error: NodeError) {
        self.error = error
    }
}

/// An answer with nothing to say but that it was done.
public struct ControlDone: Codable, Sendable {
    /// Always true.
    public var done = true

    /// Done.
    public init() {}
}

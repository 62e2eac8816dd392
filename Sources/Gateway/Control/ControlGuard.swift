// SPDX-License-Identifier: Apache-2.0

/// Decides who may use the control server: programs of this user, who can read the token, and the user interface, which
/// came from here and was opened with a code. A page of any other origin gets nothing, whatever name it made the
/// browser use.
///
/// A pure function of the request; sessions are looked up by the caller.
enum ControlGuard {
    /// The name under which browsers see the user interface.
    static let name = "roost.localhost"

    /// What a request shows of its sender.
    struct Sender: Equatable, Sendable {
        var peerIsLoopback: Bool
        /// Nil where there is none, or two.
        var host: String?
        var isSafeMethod: Bool
        var request: RequestOrigin
    }

    /// How the caller named this server, which decides what it may be.
    enum Door: Equatable, Sendable {
        /// `roost.localhost`: browsers, and programs.
        case name
        /// The literal address: programs only.
        case address
    }

    enum Refusal: Error, Equatable, Sendable {
        case peer
        case host
        case crossSite
        case upgrade
    }

    /// The checks for every request: peer, host, no upgrade.
    ///
    /// - Returns: by which name the server was reached.
    static func door(_ sender: Sender, address: String, port: Int) throws(Refusal) -> Door {
        guard sender.peerIsLoopback else { throw .peer }
        if sender.request.wantsUpgrade { throw .upgrade }
        switch sender.host?.lowercased() {
        case "\(name):\(port)": return .name
        case "\(address):\(port)": return .address
        default: throw .host
        }
    }

    /// For the files of the user interface, which hold no secret: its own page, or a link that fills the window.
    static func allowsPage(_ sender: Sender, door: Door) -> Bool {
        guard door == .name, sender.isSafeMethod, sender.request.origin == nil else { return false }
        switch sender.request.site {
        case nil, "same-origin", "none": return true
        default: return sender.request.mode == "navigate" && sender.request.destination == "document"
        }
    }

    /// For calls of the API: before any secret is compared, the sender is a program or the interface's own script.
    static func allowsCall(_ sender: Sender, door: Door, port: Int) -> Bool {
        let request = sender.request
        switch door {
        case .address: return request.origin == nil && !request.hasMetadata
        case .name:
            let originFits = request.origin == nil || request.origin == "http://\(name):\(port)"
            return originFits && (!request.hasMetadata || request.site == "same-origin")
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Node
import Testing

/// REQUIREMENTS §3.3 invariant 4: no call leads from a peer, by its id or address, to a user's name. What is said to peers is
/// looked at by the simulator (`no-names`).
@Suite struct NoNamesTests {
    /// What a call takes, and what its answer is about.
    private enum Subject {
        case nothing, link, peer, ownName
    }

    /// A new call has to be entered here: it may take a peer, or answer with names, and not both.
    private func subjects(of route: ControlRoute) -> (takes: Subject, names: Subject) {
        switch route {
        case .status, .stop, .doctor, .peers, .members, .dhtTable, .configuration, .setConfiguration, .code:
            (.nothing, .nothing)
        case .publish, .fetch, .learn, .open, .why, .releases, .changeSite: (.link, .nothing)
        // Endorsers by their names in this home; holders by their addresses, in a list of their own.
        case .sites, .site, .siteHolders: (.link, .ownName)
        case .identities: (.nothing, .ownName)
        case .newIdentity: (.ownName, .ownName)
        case .denyRules, .addDenyRule, .removeDenyRule, .denial: (.link, .nothing)
        case .dhtFind, .dhtGet: (.peer, .nothing)
        case .dhtPut: (.ownName, .nothing)
        }
    }

    @Test("no call takes a peer and answers with names")
    func calls() {
        for route in ControlRoute.allCases {
            let (takes, names) = subjects(of: route)
            #expect(takes != .peer || names == .nothing, "\(route)")
        }
    }

    /// Names of stored properties that could be a person's.
    private func suspicious(_ value: Any) -> [String] {
        let words = ["name", "user", "owner", "identity", "nick", "title", "label"]
        return Mirror(reflecting: value).children.compactMap { $0.label }.filter { label in
            words.contains { label.lowercased().contains($0) }
        }
    }

    @Test("what is said of a peer has no place for a name, and a place for one is noticed")
    func values() {
        let peer = PeerSummary(address: "", client: "", swarm: "", progress: 0, down: 0, up: 0, incoming: false)
        let contact = DHTContact(id: "", address: "")
        let found = DHTFindResult(nodes: [contact], path: [contact])
        let item = DHTItemResult(value: "", seq: nil, signature: nil, nodes: 0)
        for value in [peer, contact, found, item] as [Any] { #expect(suspicious(value).isEmpty) }
        struct Planted {
            var address = ""
            var userName = "alice"
        }
        #expect(suspicious(Planted()) == ["userName"])
    }
}

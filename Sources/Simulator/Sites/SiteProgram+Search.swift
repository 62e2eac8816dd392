// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Wire

extension SiteProgram {
    /// For one look at who has something newer.
    static let searchTime = Duration.seconds(20)

    /// Asks peers for the newest state, as a node does when its reader opens the site.
    ///
    /// `promised`: what the owner's pointer in the DHT names, where it was found.
    func look(among peers: [Endpoint], promised: Digest256?) {
        guard search == nil else { return }
        searchNumber += 1
        let number = searchNumber
        search = SiteSearch(searches: 1)
        if let promised, promised != feed?.head.hash { search?.promises(promised) }
        step(number) { $0.found(peers) }
        step(number) { $0.searchEnded() }
        after(Self.searchTime) { $0.step(number) { $0.timeIsUp() } }
    }

    private func step(_ number: Int, _ body: (inout SiteSearch) -> [SiteSearch.Action]) {
        guard number == searchNumber, var current = search else { return }
        let actions = body(&current)
        search = current
        for action in actions {
            switch action {
            case .dial(let endpoint):
                dial(endpoint) { [weak self] outcome in
                    guard let self else { return }
                    let head = feed?.head.hash
                    step(number) { $0.ended(endpoint, outcome, head: head) }
                }
            case .wait(let pause): after(pause.duration) { $0.step(number) { $0.passed(pause) } }
            case .finish: search = nil
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Keys
internal import Wire

@testable internal import Gateway

/// What comes over a connection to the content server, and what must hold whatever it is (docs/threat-model.md).
///
/// For which site a request is and who sent it is read here once more, by other means than the server's.
struct ContentTrial {
    private typealias Exchange = GatewayExchange<ContentResponder>.Exchange

    static let sites = [KnownKeys.all[9], KnownKeys.all[8]].map { $0.publicKey.identifier }
    static let names = sites.map { Base32.encode($0.bytes) + ".localhost:8420" }

    private let exchange: Exchange
    private let sender: RequestFields
    /// Which site the request names, with the one spelling of its origin.
    private let site: Digest256?
    private let own: String
    private let wasKnown: Bool
    /// The token of the last "open this site?".
    private let question: String?

    /// Behind a byte of choices: the first site is known, the other end is elsewhere, the bytes come in portions.
    @discardableResult
    static func run(_ bytes: [UInt8]) throws -> [(status: Int, deeds: SeenReader.Deeds)] {
        let choice = Int(bytes.first ?? 0)
        let reader = SeenReader(known: choice & 1 == 1 ? [sites[0]] : [])
        let isLoopback = choice & 2 == 0
        var configuration = GatewayConfiguration()
        // Nothing is waited for here, and a time that has not come yet costs memory.
        (configuration.patience, configuration.pagePatience) = (.seconds(2), .seconds(2))
        let server = GatewayExchange(
            responder: ContentResponder(configuration: configuration, reader: reader, port: ListeningPort()),
            policy: ContentPolicy.apply,
            isLoopback: isLoopback
        )
        var known = reader.known
        var seen: [(status: Int, deeds: SeenReader.Deeds)] = []
        var question: String?
        // `token=@` in a form is the answer to the question that was asked last.
        let complete = { (body: inout [UInt8]) in
            guard let asked = question, body.starts(with: Array("token=@".utf8)) else { return }
            body.replaceSubrange(6..<7, with: asked.utf8)
        }
        let stream = Array(bytes.dropFirst())
        let portion = choice < 4 ? max(1, bytes.count) : choice >> 2
        try server.run(stream, portion: portion, complete: complete) { exchange in
            let trial = ContentTrial(exchange, isLoopback: isLoopback, known: known, question: question)
            question = Self.question(in: exchange.answer) ?? question
            let deeds = reader.deeds()
            try trial.checkAnswer()
            try trial.checkSites(deeds)
            try trial.checkSender(deeds)
            try trial.checkConsent(deeds)
            known = reader.known
            seen.append((exchange.status, deeds))
        }
        return seen
    }

    private static func question(in answer: GatewayAnswer) -> String? {
        answer.body.text.split(separator: "name=\"token\" value=\"", maxSplits: 1).dropFirst().first.map {
            String($0.prefix { $0 != "\"" })
        }
    }

    private init(_ exchange: Exchange, isLoopback: Bool, known: Set<Digest256>, question: String?) {
        self.question = question
        self.exchange = exchange
        sender = RequestFields(exchange.request)
        own = "http://" + (exchange.request.authority ?? "").lowercased()
        site = isLoopback && sender["Host"].isEmpty ? Self.site(of: exchange.request.authority ?? "") : nil
        wasKnown = site.map(known.contains) ?? false
    }

    private static func site(of authority: String) -> Digest256? {
        let authority = authority.lowercased()
        let ending = ".localhost:8420"
        guard authority.hasSuffix(ending) else { return nil }
        let label = authority.dropLast(ending.count)
        let release = label.dropLast(52)
        let digits = release.dropFirst().dropLast()
        let isRelease = release.first == "v" && release.last == "-" && UInt64(digits).map { "\($0)" == digits } == true
        return release.isEmpty || (isRelease && digits != "0") ? site(spelt: label.suffix(52)) : nil
    }

    /// RFC 4648 §6 by hand: 256 bits in 52 digits, and four bits that are zero.
    private static func site(spelt digits: Substring) -> Digest256? {
        var bits: [UInt8] = []
        for digit in digits.utf8 {
            guard let value = Array("abcdefghijklmnopqrstuvwxyz234567".utf8).firstIndex(of: digit) else { return nil }
            bits += (0..<5).map { UInt8(value >> (4 - $0)) & 1 }
        }
        guard bits.count == 260, bits.suffix(4).allSatisfy({ $0 == 0 }) else { return nil }
        return Digest256((0..<32).map { byte in (0..<8).reduce(0) { $0 << 1 | bits[byte * 8 + $1] } })
    }

    private func checkAnswer() throws {
        let fields = exchange.answer.fields
        try hold(
            fields["content-security-policy"] == ContentPolicy.contentSecurity
                && fields["cross-origin-resource-policy"] == "same-origin"
                && fields["x-content-type-options"] == "nosniff"
                && fields["referrer-policy"] == "same-origin" && fields["cross-origin-opener-policy"] == "same-origin",
            "every answer keeps a page on its own origin"
        )
        try hold(fields["set-cookie"] == nil, "a site's origin gets no cookie from us")
        if let location = fields["location"] {
            try hold(
                location.hasPrefix("/") && !location.hasPrefix("//") && !location.hasPrefix("/\\"),
                "nobody is sent to another origin: \(location)"
            )
        }
    }

    private func checkSites(_ deeds: SeenReader.Deeds) throws {
        guard let site else {
            try hold(deeds.sites.isEmpty, "a name that is no site's is served nothing")
            try hold([403, 421].contains(exchange.status), "a name that is no site's is refused: \(exchange.status)")
            return
        }
        try hold(deeds.sites.isSubset(of: [site]), "a request sets only its own site in motion")
    }

    /// Another origin's page gets nothing and moves nothing, unless its reader goes somewhere with the whole window.
    private func checkSender(_ deeds: SeenReader.Deeds) throws {
        let isForeign =
            sender.isForeign(to: own) || sender.wantsUpgrade
            || (sender.hasMetadata && !["same-origin", "none"].contains(sender.site) && !sender.fillsWindow)
        guard isForeign else { return }
        try hold(deeds.sites.isEmpty, "another origin's page sets nothing in motion")
        try hold(exchange.status >= 400, "another origin's page gets nothing: \(exchange.status)")
    }

    private func checkConsent(_ deeds: SeenReader.Deeds) throws {
        if !deeds.welcomed.isEmpty {
            let isProgram =
                !sender.hasMetadata && sender["Referer"].isEmpty && !sender.isBrowser
                && ["GET", "HEAD"].contains(exchange.request.method.rawValue)
            try hold(isProgram || isAnswer, "nobody but a program makes a site known without the question's answer")
        } else if !wasKnown, !deeds.sites.isEmpty {
            try hold(
                sender.site == "same-origin" || (!sender.hasMetadata && sender["Referer"].allSatisfy(isOwnPage)),
                "a site that is not known is asked for only by its own page"
            )
        }
    }

    /// The form of the question's own page came back.
    private var isAnswer: Bool {
        guard let question, exchange.request.method == .post, exchange.request.path?.hasPrefix("/.roost/open") == true
        else { return false }
        return exchange.body.text.contains(question)
            && (sender["Origin"] == [own] || (sender["Origin"].isEmpty && sender["Referer"].allSatisfy(isOwnPage)))
    }

    private func isOwnPage(_ referer: String) -> Bool { referer == own || referer.hasPrefix(own + "/") }
}

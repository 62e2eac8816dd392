// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird
internal import Node
internal import Wire

/// What a person reads where a site's own page cannot be shown.
enum ContentPages {
    static func looking(_ site: Digest256, activity: SiteActivity) -> HumanPage {
        HumanPage(
            title: "Looking for peers",
            body: """
                <p id="stage" role="status" aria-live="polite">\(HumanPage.escape(activity.stage))</p>
                <dl><dt>Peers known</dt><dd id="known">\(activity.peersKnown)</dd>
                <dt>Connected</dt><dd id="connected">\(activity.peersConnected)</dd>
                <dt>Bytes received</dt><dd id="received">\(activity.bytesReceived)</dd></dl>
                <p id="impostors"\(activity.impostors == 0 ? " hidden" : "")>\(impostors)</p>
                <p>This site is kept by its readers. The page opens by itself as soon as one of them answers.</p>
                <p class="quiet">\(site.hex)</p>
                <script>\(EmbeddedFile.text(PackageResources.looking_js))</script>
                """,
            // With script the page waits on one open request; without, it asks again.
            head: "<noscript><meta http-equiv=\"refresh\" content=\"4\"></noscript>"
        )
    }

    /// The button has no focus: whoever is typing when a page sends them here has not answered.
    static func ask(_ site: Digest256, token: String, target: String) -> HumanPage {
        HumanPage(
            title: "Open this site?",
            body: """
                <p>This site was not opened on this computer before. Perhaps another page or program sent you here.</p>
                <p class="quiet">\(site.hex)</p>
                <p>Opening it asks other people’s computers for it, and they see your network address.</p>
                <form method="post" action="/.roost/open">
                <input type="hidden" name="token" value="\(HumanPage.escape(token))">
                <input type="hidden" name="to" value="\(HumanPage.escape(target))">
                <button>Open the site</button></form>
                <p>Nothing has been asked or fetched so far. Close this page to leave it at that.</p>
                """
        )
    }

    static func failure(_ error: NodeError) -> HumanPage {
        let title =
            switch error.kind {
            case .withdrawn: "Withdrawn by its publisher"
            case .denied: "Blocked on this computer"
            case .notFound: "Not in this release"
            case .unavailable: "Not available now"
            case .notPermitted: "Not allowed"
            default: "This did not work"
            }
        return HumanPage(
            title: title,
            body: HumanPage.paragraph(error.message) + HumanPage.paragraph(error.remedy)
        )
    }

    static func notFound(_ path: RequestPath, in release: ReleaseReference) -> HumanPage {
        HumanPage(
            title: "Not in this release",
            body: """
                <p>Release \(release.sequence) of this site has nothing at <code>\(HumanPage.escape(path.encoded))</code>.</p>
                <p><a href="/">To the start of the site</a></p>
                """
        )
    }

    /// What was refused has never reached this page: only that it was.
    private static let impostors =
        "Somebody offered another site in its place. It was refused: its key or its signatures are not those of this address."

    static func timedOut(_ site: Digest256, activity: SiteActivity) -> HumanPage {
        let refused =
            activity.impostors == 0 ? "" : "<p>\(impostors) Compare the address with one from its publisher.</p>"
        return HumanPage(
            title: activity.impostors == 0 ? "Nobody answered in time" : "Only an impostor answered",
            body: """
                <p>For a minute nobody was found who has this. The people who keep the site may all be offline.</p>
                \(refused)
                <p class="quiet">\(site.hex)</p>
                <p><a href="">Try again</a></p>
                <p>In a terminal, <code>roost why betanet://\(site.hex)</code> shows which step fails.</p>
                """
        )
    }

    /// The names directly inside a folder; folders end in `/`.
    static func listing(_ path: RequestPath, names: [String]) -> HumanPage {
        let up = path.components.isEmpty ? "" : "<li><a href=\"../\">../</a></li>"
        let items = names.map { name in
            let isFolder = name.hasSuffix("/")
            let link = "./" + PercentEncoding.encode(isFolder ? String(name.dropLast()) : name) + (isFolder ? "/" : "")
            return "<li><a href=\"\(link)\">\(HumanPage.escape(name))</a></li>"
        }
        let title = "/" + path.components.map { $0 + "/" }.joined()
        return HumanPage(title: title, body: "<ul class=\"listing\">\(up)\(items.joined(separator: "\n"))</ul>")
    }
}

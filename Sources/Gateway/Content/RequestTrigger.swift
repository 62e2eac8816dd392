// SPDX-License-Identifier: Apache-2.0

/// Decides what a request to a content origin may set in motion. Nobody's page drives the node: network activity starts
/// only from a same-origin request or from a navigation of the whole window.
///
/// A pure function of the request and of what is known; it holds no state.
enum RequestTrigger {
    enum Decision: Equatable, Sendable {
        /// Serve it. `mayUseNetwork`: peers may be asked. `movesRelease`: the origin goes to the newest release.
        /// `welcomes`: a program of the user named the site, so it counts as known from now on.
        case serve(mayUseNetwork: Bool, movesRelease: Bool, welcomes: Bool)
        /// Show "open this site?" and do nothing else.
        case ask
        case refuse(Refusal)
    }

    enum Refusal: Equatable, Sendable {
        /// Another site's page wanted a part of this one: 403.
        case crossSite
        /// A WebSocket or another upgrade: 403.
        case upgrade
    }

    /// What to do with a request to `ownOrigin`, which is `http://host:port`; `isKnown` says that the user opened the
    /// site before.
    static func decide(_ request: RequestOrigin, ownOrigin: String, isKnown: Bool) -> Decision {
        if request.wantsUpgrade || request.mode == "websocket" { return .refuse(.upgrade) }
        // Scripts cannot set it; where it is there and names another origin, nothing else needs to be believed.
        if let origin = request.origin, origin != ownOrigin { return .refuse(.crossSite) }
        guard request.hasMetadata else {
            return decideWithoutMetadata(request, ownOrigin: ownOrigin, isKnown: isKnown)
        }
        let navigates = request.mode == "navigate"
        switch request.site {
        case "same-origin":
            return .serve(mayUseNetwork: true, movesRelease: navigates, welcomes: false)
        case "none":
            // Typed, a bookmark, another program; browsers never send it for a frame. They send it also where the typed
            // host redirected to here, and nothing tells the two apart: who typed nothing of this site is asked.
            if isKnown { return .serve(mayUseNetwork: true, movesRelease: navigates, welcomes: false) }
            guard navigates, isTopLevel(request), !request.isPrefetch else { return .refuse(.crossSite) }
            return .ask
        default:
            // `same-site` is no better than `cross-site`: every site here lives beneath `localhost`.
            guard navigates, isTopLevel(request), !request.isPrefetch else { return .refuse(.crossSite) }
            return isKnown ? .serve(mayUseNetwork: true, movesRelease: true, welcomes: false) : .ask
        }
    }

    private static func isTopLevel(_ request: RequestOrigin) -> Bool { request.destination == "document" }

    /// curl and tests have no metadata, and are their user's hand. A browser without it is too old to tell a page's
    /// image from its reader's click, so it is trusted only where its referrer is the site itself, or the site is known.
    private static func decideWithoutMetadata(
        _ request: RequestOrigin,
        ownOrigin: String,
        isKnown: Bool
    ) -> Decision {
        if !request.referers.isEmpty {
            let isOwn = request.refers(to: ownOrigin)
            return isOwn ? .serve(mayUseNetwork: true, movesRelease: true, welcomes: false) : .ask
        }
        if request.isBrowser, !isKnown { return .ask }
        return .serve(mayUseNetwork: true, movesRelease: true, welcomes: !isKnown)
    }
}

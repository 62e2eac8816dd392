// SPDX-License-Identifier: Apache-2.0

/// What a reader gives back.
public enum ServePolicy: String, Sendable, CaseIterable {
    /// Only what this node published.
    case own
    /// What is open in a browser, for as long as it is. Not announced.
    case whileOpen = "while-open"
    /// Everything that was read, up to the quota, announced and kept alive.
    case quota

    /// How this node stands to a site at the moment.
    public struct Standing: Sendable {
        public var isOwn: Bool
        public var isPinned: Bool
        /// A page of it was asked for in the last minutes.
        public var isOpen: Bool

        public init(isOwn: Bool, isPinned: Bool = false, isOpen: Bool = false) {
            self.isOwn = isOwn
            self.isPinned = isPinned
            self.isOpen = isOpen
        }
    }

    /// Whether peers may have blocks of the site from here.
    public func serves(_ site: Standing) -> Bool {
        switch self {
        case .own: site.isOwn
        case .whileOpen: site.isOwn || site.isPinned || site.isOpen
        case .quota: true
        }
    }

    /// Whether this node says in the DHT that it holds the site, and puts the site's item again.
    ///
    /// Pinning is a decision to keep a site alive; only `own` overrides it.
    public func announces(_ site: Standing) -> Bool {
        switch self {
        case .own: site.isOwn
        case .whileOpen: site.isOwn || site.isPinned
        case .quota: true
        }
    }
}

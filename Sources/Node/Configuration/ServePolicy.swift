// SPDX-License-Identifier: Apache-2.0

/// What a reader gives back to the swarms of what it reads (`serve`). Own sites are always served.
public enum ServePolicy: String, Sendable, CaseIterable {
    /// Serves nothing of what was only read.
    case own
    /// Serves a site while it is being read.
    case whileOpen = "while-open"
    /// Keeps what was read within the quota, serves it, announces it and re-puts its item.
    case quota
}

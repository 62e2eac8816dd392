// SPDX-License-Identifier: Apache-2.0

/// A path that is safe to create beneath a folder, on any system: only ``PathSanitizer`` makes one.
public struct SanitizedPath: Hashable, Sendable {
    /// At least one; each fit to be a name in a folder.
    public let components: [String]
    /// What was changed in any component.
    public let changes: NameChanges

    init(components: [String], changes: NameChanges) {
        self.components = components
        self.changes = changes
    }

    /// Whether a user has to be told that names differ from the torrent's.
    public var isChanged: Bool { !changes.isEmpty }
}

extension SanitizedPath: CustomStringConvertible {
    /// The components with slashes between, relative to the folder.
    public var description: String { components.joined(separator: "/") }
}

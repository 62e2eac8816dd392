// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Wire

/// A folder that sites are published from, and the marker in it that names its site.
///
/// The marker `.roost-site` holds no secret: the folder may be copied, backed up and put under version control. It is
/// never published.
public struct SourceFolder: Sendable {
    /// What stands where the marker should be.
    public enum Marker: Equatable, Sendable {
        case absent
        case site(Digest256)
        /// There is something of that name, and it names no site.
        case unreadable
    }

    /// Beside the folder's files, and part of no site.
    public static let markerName = ".roost-site"
    private static let maximumMarkerBytes = 4096

    /// Absolute, with every link resolved: one folder has one path.
    public let path: String

    /// The folder at `path`, which must be there.
    public init(_ path: String) throws(PublishError) {
        guard let resolved = FolderWalk.realPath(path), let text = String(validating: resolved, as: UTF8.self),
            let status = try? Disk.status(of: text), status.kind == .directory
        else { throw .notAFolder(path: path) }
        self.path = text
    }

    /// Where the marker is, or would be.
    public var markerPath: String { path == "/" ? "/" + Self.markerName : "\(path)/\(Self.markerName)" }

    /// What the marker says. A link is not followed.
    public var marker: Marker {
        let bytes: [UInt8]
        do throws(StorageError) {
            guard try Disk.status(of: markerPath).kind == .file else { return .unreadable }
            bytes = try Disk.read(markerPath, limit: Self.maximumMarkerBytes)
        } catch .notFound {
            return .absent
        } catch {
            return .unreadable
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let names = lines.filter { !$0.hasPrefix("#") && $0.contains { !$0.isWhitespace } }
        guard names.count == 1, names[0].hasPrefix("betanet://"),
            let site = Digest256(hex: names[0].dropFirst("betanet://".count).prefix { !$0.isWhitespace })
        else { return .unreadable }
        return .site(site)
    }

    /// Writes the marker durably, in place of any that is there.
    public func mark(_ site: Digest256) throws(StorageError) {
        let text = """
            # This folder is published with Roost as this site. Not secret, and not published itself.
            betanet://\(site.hex)

            """
        try Disk.write(Array(text.utf8), durablyTo: markerPath, mode: 0o644)
    }

    /// Takes the marker away if it names `site`.
    public func unmark(_ site: Digest256) throws(StorageError) {
        if marker == .site(site) { try Disk.remove(markerPath) }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Foundation
internal import Node

/// The regular files beneath a folder, or one file, in the order of a torrent.
struct SourceListing {
    struct File: Sendable {
        var path: [String]
        var location: String
        var length: Int64
        var isExecutable: Bool
    }

    let name: String
    let isSingleFile: Bool
    private(set) var files: [File] = []
    /// Links, sockets and devices that were left out.
    private(set) var skipped = 0

    init(_ source: String) throws {
        let url = URL(fileURLWithPath: source).standardizedFileURL
        name = url.lastPathComponent
        guard let (type, length, isExecutable) = Self.status(url.path, followsLinks: true) else {
            throw NodeError(.noInput, "\(source) is not there", remedy: "Check the path.")
        }
        isSingleFile = type == S_IFREG
        if type == S_IFREG {
            files = [File(path: [name], location: url.path, length: length, isExecutable: isExecutable)]
        } else {
            try walk(url.path, [])
        }
        files.sort { TorrentEntry.precedes($0.path, $1.path) }
        guard files.contains(where: { $0.length > 0 }) else {
            throw NodeError(.badData, "\(source) holds no file with content", remedy: "Put something into it.")
        }
    }

    func entries(_ hashes: TreeHashes) -> [TorrentEntry] {
        zip(files, hashes.files).map { TorrentEntry(path: $0.path, isExecutable: $0.isExecutable, hashes: $1) }
    }

    private mutating func walk(_ folder: String, _ path: [String]) throws {
        guard path.count < TorrentSpecification.maximumPathDepth else {
            throw NodeError(.badData, "\(folder) is nested too deep", remedy: "Move it up.")
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw NodeError(.inputOutput, "\(folder) cannot be read", remedy: "Check its permissions.")
        }
        for name in names {
            let location = folder + "/" + name
            guard let (type, length, isExecutable) = Self.status(location, followsLinks: false) else { continue }
            switch type {
            case S_IFDIR: try walk(location, path + [name])
            case S_IFREG:
                files.append(File(path: path + [name], location: location, length: length, isExecutable: isExecutable))
            default: skipped += 1
            }
        }
    }

    private static func status(_ path: String, followsLinks: Bool) -> (type: mode_t, length: Int64, isExecutable: Bool)?
    {
        var status = stat()
        // SAFETY: the structure is filled by the call and lives on our stack.
        let failed = unsafe followsLinks ? stat(path, &status) : lstat(path, &status)
        guard failed == 0 else { return nil }
        return (status.st_mode & S_IFMT, Int64(status.st_size), status.st_mode & 0o100 != 0)
    }
}

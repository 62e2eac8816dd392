// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Simulator

/// Folders of the file system that the tool works on.
enum Folder {
    /// In memory where the system has such a place: thousands of states are written out.
    static func scratch() throws -> String {
        let base = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        let path = base + "/roost-powerloss-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    static func write(_ files: [String: [UInt8]], to folder: String) throws {
        remove(folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (path, bytes) in files {
            let url = URL(fileURLWithPath: folder + "/" + path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(bytes).write(to: url)
        }
    }

    /// Edits a folder in place; what else is in it stays.
    static func update(_ folder: String, from old: [String: [UInt8]], to new: [String: [UInt8]]) throws {
        for path in old.keys where new[path] == nil { remove(folder + "/" + path) }
        for (path, bytes) in new where old[path] != bytes {
            let url = URL(fileURLWithPath: folder + "/" + path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(bytes).write(to: url)
        }
    }

    /// The regular files below a folder, by path; nil where there is no such folder.
    static func read(_ folder: String) -> [String: [UInt8]]? {
        guard let names = try? FileManager.default.subpathsOfDirectory(atPath: folder) else { return nil }
        var files: [String: [UInt8]] = [:]
        for name in names {
            // Reading a folder fails.
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) else { continue }
            files[name] = [UInt8](data)
        }
        return files
    }

    /// Makes an image of `root` real in another folder.
    static func write(_ image: DiskImage, of root: String, to folder: String) throws {
        remove(folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func place(_ path: String) -> String { folder + path.dropFirst(root.count) }
        for path in image.folders {
            try FileManager.default.createDirectory(
                atPath: place(path),
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        }
        // SQLite makes its index of the log anew; the file is never synced, and no program reads it after a crash.
        for file in image.files where !file.path.hasSuffix("-shm") {
            let made = FileManager.default.createFile(
                atPath: place(file.path),
                contents: Data(file.bytes),
                attributes: [.posixPermissions: 0o600]
            )
            guard made else { throw Failure("\(file.path) cannot be written out") }
        }
    }
}

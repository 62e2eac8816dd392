// SPDX-License-Identifier: Apache-2.0
public import Foundation

/// A home that an earlier build wrote, kept in `Tests/Vectors/homes/<name>` with what is in it: `made.json` is what the build
/// was told to do, `read.json` what a second implementation finds in the files.
public struct KeptHome: Sendable, CustomStringConvertible {
    public let name: String
    public let made: KeptHomeMade
    public let read: KeptHomeRead

    public var description: String { name }
    private var home: URL { Vectors.url("homes/\(name)/home") }

    private init(name: String) throws {
        self.name = name
        made = try Vectors.json("homes/\(name)/made.json")
        read = try Vectors.json("homes/\(name)/read.json")
    }

    /// The folders of all of them.
    public static let names: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Vectors.url("homes").path)) ?? []
        return names.filter { FileManager.default.fileExists(atPath: Vectors.url("homes/\($0)/home").path) }
    }()

    /// All of them, the oldest first; one whose description cannot be read is missing here.
    public static let all: [KeptHome] = names.compactMap { try? KeptHome(name: $0) }
        .sorted { ($0.read.layout, $0.name) < ($1.read.layout, $1.name) }

    /// The bytes of a file of it.
    public func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: home.appending(path: path))) }

    /// Copies it to where no home is, with the modes that the repository does not keep.
    public func copy(to path: String) throws {
        let files = FileManager.default
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent()
        try files.createDirectory(at: parent, withIntermediateDirectories: true)
        try files.copyItem(atPath: home.path, toPath: path)
        for name in [""] + (try files.subpathsOfDirectory(atPath: path)) {
            var isFolder = ObjCBool(false)
            let place = path + "/" + name
            let isThere = unsafe files.fileExists(atPath: place, isDirectory: &isFolder)
            guard isThere else { continue }
            try files.setAttributes([.posixPermissions: isFolder.boolValue ? 0o700 : 0o600], ofItemAtPath: place)
        }
    }

    /// Every file and folder under `path`, with its bytes: two of them are equal where nothing was changed.
    public static func everything(in path: String) throws -> [String: Data?] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: path)
        return Dictionary(
            uniqueKeysWithValues: names.map { ($0, FileManager.default.contents(atPath: path + "/" + $0)) }
        )
    }
}

/// What the build was told to do, and what it answered.
public struct KeptHomeMade: Decodable, Sendable {
    public struct File: Decodable, Equatable, Sendable {
        public let length: Int64
        public let sha256: String
        /// Nil for a file of no bytes.
        public let root: String?
        public let executable: Bool
    }

    public struct Release: Decodable, Sendable {
        public let seq: Int64
        public let label: String
        public let key: String
        public let v1: String
        public let v2: String
    }

    /// The first made first.
    public let identities: [String]
    /// Denied by its user, and by a list of another.
    public let denied: String
    public let denyList: String
    /// As `roost init` called it.
    public let peer: String
    /// The own site, a pinned one and one of which a part came; a torrent's infohash.
    public let garden: String
    public let notes: String
    public let film: String
    public let song: String
    /// Of the own site.
    public let releases: [Release]
    /// Of each release of each of these sites, by path.
    public let files: [String: [[String: File]]]
}

/// What stands in the files, read by `Tests/Vectors/homes/read.py`.
public struct KeptHomeRead: Decodable, Sendable {
    public struct Content: Decodable, Sendable {
        public let length: Int64
        public let sha256: String
    }

    public struct Record: Decodable, Sendable {
        public let held: Bool
        public let length: Int
        public let storedAt: Int64
        public let root: String
        public let header: String
    }

    public struct Partial: Decodable, Sendable {
        public let length: Int64
        public let ranges: [[Int64]]
    }

    public struct Snapshot: Decodable, Sendable {
        public let device: UInt64
        public let inode: UInt64
        public let length: Int64
        public let modified: Int64
        public let changed: Int64
        public let root: String
    }

    public struct DHT: Decodable, Sendable {
        public struct Floor: Decodable, Sendable {
            public let target: String
            public let sequence: Int64
        }

        public struct Kept: Decodable, Sendable {
            public let own: Int
            public let infohash: String?
            public let key: String?
            public let port: Int?
            public let seq: Int64?
        }

        public let id: String
        /// Compact contacts.
        public let nodes: [String]
        public let nodes6: [String]
        public let seqs: [Floor]
        public let kept: [Kept]
    }

    public struct Identity: Decodable, Sendable {
        public let id: String
        public let name: String
        public let added: Int64
        public let statements: Int
    }

    public let layout: Int
    public let config: String
    public let content: [String: Content]
    public let packs: [String: [Record]]
    public let partial: [String: Partial]
    public let snapshots: [String: [Snapshot]]
    public let dht: [String: DHT]
    public let metadata: Metadata
    /// The content of each sealed file.
    public let keys: [String: String]
    public let identities: [Identity]
}

extension KeptHomeRead {
    /// The database.
    public struct Metadata: Decodable, Sendable {
        public struct Site: Decodable, Sendable {
            public let id: String
            public let key: String?
            public let title: String
            public let folder: String?
            public let isOwn: Int
            public let isPinned: Int
            public let addedAt: Int64
            public let openedAt: Int64
        }

        public struct Head: Decodable, Sendable {
            public let site: String
            public let size: Int64
            public let bytes: String
        }

        public struct File: Decodable, Equatable, Sendable {
            public let path: String
            public let length: Int64
            public let executable: Bool
            public let root: String?

            public init(path: String, length: Int64, executable: Bool, root: String?) {
                self.path = path
                self.length = length
                self.executable = executable
                self.root = root
            }
        }

        public struct Release: Decodable, Sendable {
            public let site: String
            public let seq: Int64
            public let v1: String?
            public let v2: String
            public let directory: String
            public let pieceLength: Int
            public let storedAt: Int64
            public let files: [File]?
            public let v1Pieces: String?
        }

        public struct Layer: Decodable, Sendable {
            public let root: String
            public let pieceLength: Int
            public let hashes: String
        }

        public struct Want: Decodable, Sendable {
            public let root: String
            public let site: String
            public let length: Int64
            public let wantedAt: Int64
        }

        public struct Torrent: Decodable, Sendable {
            public let v1: String?
            public let v2: String?
            public let name: String
            public let isPinned: Int
            public let addedAt: Int64
        }

        public struct Rule: Decodable, Sendable {
            public let list: String
            public let kind: String
            public let value: String
        }

        public struct Item: Decodable, Sendable {
            public let target: String
            public let seq: Int64
            public let bytes: String
            public let keepsAlive: Int
            public let putAt: Int64
        }

        public struct Setting: Decodable, Sendable {
            public let name: String
            public let value: String
        }

        /// Steps in the order in which they were taken.
        public let schema: [String]
        /// What made each table and index.
        public let statements: [String: String]
        public let sites: [Site]
        public let heads: [Head]
        public let releases: [Release]
        public let layers: [Layer]
        public let wants: [Want]
        public let torrents: [Torrent]
        public let denied: [Rule]
        public let items: [Item]
        public let settings: [Setting]
    }
}

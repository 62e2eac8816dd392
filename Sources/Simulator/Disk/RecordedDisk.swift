// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// A disk on which a recorded run is played again: what programs see, and what is certain to outlive a power failure.
///
/// What is certain is what POSIX promises and no more: the bytes of a file from its own sync on, a name from the sync of
/// its folder on, both from the sync of the whole file system on. Names of one folder reach the device in their order.
public struct RecordedDisk: Sendable {
    enum Entry: Equatable, Sendable {
        case file(Int)
        case folder
    }

    /// A change of bytes that is not certain yet.
    enum Edit: Sendable {
        case write(offset: Int, [UInt8])
        case length(Int)
    }

    struct Content: Sendable {
        var durable = Version()
        /// As programs see it.
        var current = Version()
        var pending: [Edit] = []
    }

    /// Bytes with their hash, which is asked for far more often than they change.
    struct Version: Sendable {
        private(set) var bytes: [UInt8] = []
        private(set) var digest = Hash.sha256([])

        mutating func apply(_ edit: Edit) {
            switch edit {
            case .write(let offset, let new): RecordedDisk.write(new, at: offset, to: &bytes)
            case .length(let length): RecordedDisk.resize(&bytes, to: length)
            }
            digest = Hash.sha256(bytes)
        }
    }

    enum Naming: Sendable {
        case enter(String, Entry)
        case move(String, to: String, Entry)
        case remove(String)
    }

    struct PendingNaming: Sendable {
        var folder: String
        var naming: Naming

        /// The same after a folder above it was renamed.
        func moved(_ path: String, to other: String) -> PendingNaming {
            guard folder == path || folder.hasPrefix(path + "/") else { return self }
            func place(_ name: String) -> String {
                name.hasPrefix(path + "/") ? other + name.dropFirst(path.count) : name
            }
            let naming: Naming =
                switch naming {
                case .enter(let name, let entry): .enter(place(name), entry)
                case .move(let name, let new, let entry): .move(place(name), to: place(new), entry)
                case .remove(let name): .remove(place(name))
                }
            return PendingNaming(folder: other + folder.dropFirst(path.count), naming: naming)
        }
    }

    private(set) var contents: [Content] = []
    /// As programs see them.
    private(set) var names: [String: Entry] = [:]
    private(set) var durableNames: [String: Entry] = [:]
    private(set) var pendingNames: [PendingNaming] = []
    private var numbers: [UInt64: Int] = [:]
    /// What the program has said so far.
    public private(set) var marks: [String] = []

    /// From now on the device says of bytes that they are synced, and has written none. Names it still keeps, as a file
    /// system's journal does that is written in another way: worse than losing both, which would be an older state.
    var lies = false

    /// The folder that was there when the record began; all paths are below it.
    let root: String

    /// An empty disk; `root` is the folder whose changes it is told.
    public init(root: String) {
        self.root = root
    }

    /// One change more of the record.
    public mutating func apply(_ change: DiskChange) {
        switch change {
        case .create(let file, let path):
            numbers[file] = contents.count
            contents.append(Content())
            name(.enter(path, .file(contents.count - 1)), in: path)
        case .write(let file, let offset, let bytes): edit(file, .write(offset: offset, bytes))
        case .truncate(let file, let length): edit(file, .length(length))
        case .sync(let file): if let index = numbers[file] { sync(index) }
        case .syncAll: syncAll()
        case .syncFolder(let path): syncFolder(path)
        case .rename(let path, let other): rename(path, to: other)
        case .link(let path, let other): if let entry = names[path] { name(.enter(other, entry), in: other) }
        case .unlink(let path), .removeFolder(let path): name(.remove(path), in: path)
        case .makeFolder(let path): name(.enter(path, .folder), in: path)
        case .mark(let text): marks.append(text)
        }
    }

    private mutating func edit(_ file: UInt64, _ edit: Edit) {
        // A file that was there before the record began is not among those looked at.
        guard let index = numbers[file] else { return }
        contents[index].pending.append(edit)
        contents[index].current.apply(edit)
    }

    private mutating func name(_ naming: Naming, in path: String) {
        Self.apply(naming, to: &names)
        pendingNames.append(PendingNaming(folder: Self.folder(of: path), naming: naming))
    }

    private mutating func rename(_ path: String, to other: String) {
        guard let entry = names[path] else { return }
        if entry == .folder {
            // What is not certain of the names in it is from now on about the new place.
            pendingNames = pendingNames.map { $0.moved(path, to: other) }
        }
        name(.move(path, to: other, entry), in: other)
        // Of two folders each has its own part of the change.
        if Self.folder(of: path) != Self.folder(of: other) {
            pendingNames.append(PendingNaming(folder: Self.folder(of: path), naming: .remove(path)))
        }
    }

    // MARK: - Syncing

    private mutating func sync(_ index: Int) {
        guard !lies else { return }
        contents[index].durable = contents[index].current
        contents[index].pending = []
    }

    private mutating func syncAll() {
        for index in contents.indices { sync(index) }
        durableNames = names
        pendingNames = []
    }

    private mutating func syncFolder(_ path: String) {
        // A name cannot be found without the folders above it.
        var above = path
        while !above.isEmpty, names[above] == .folder, durableNames[above] == nil {
            durableNames[above] = .folder
            above = Self.folder(of: above)
        }
        for pending in pendingNames where pending.folder == path { Self.apply(pending.naming, to: &durableNames) }
        pendingNames.removeAll { $0.folder == path }
    }

    // MARK: - Doing

    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private static func write(_ new: [UInt8], at offset: Int, to bytes: inout [UInt8]) {
        if bytes.count < offset + new.count { resize(&bytes, to: offset + new.count) }
        // SAFETY: there are `offset + new.count` bytes by now, and the offset is not negative.
        unsafe bytes.withUnsafeMutableBytes { target in
            unsafe new.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + new.count]).copyMemory(
                    from: source
                )
            }
        }
    }

    private static func resize(_ bytes: inout [UInt8], to length: Int) {
        if bytes.count > length {
            bytes.removeLast(bytes.count - length)
        } else {
            bytes += [UInt8](repeating: 0, count: length - bytes.count)
        }
    }

    static func apply(_ naming: Naming, to names: inout [String: Entry]) {
        switch naming {
        case .enter(let path, let entry): names[path] = entry
        case .remove(let path): names[path] = nil
        case .move(let path, let other, let entry):
            names[path] = nil
            names[other] = entry
            guard entry == .folder else { return }
            for (inner, content) in names where inner.hasPrefix(path + "/") {
                names[inner] = nil
                names[other + inner.dropFirst(path.count)] = content
            }
        }
    }
}

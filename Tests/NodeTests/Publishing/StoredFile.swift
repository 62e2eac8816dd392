// SPDX-License-Identifier: Apache-2.0
import Foundation
import Storage
import Testing
import Wire

/// Where the disk has the bytes of a file of the content store, to change them behind the store's back.
struct StoredFile {
    private let url: URL
    private let start: UInt64

    /// One by itself.
    init(path: String) {
        (url, start) = (URL(fileURLWithPath: path), 0)
    }

    init(_ root: Digest256, in home: Home) throws {
        let single = "\(home.content)/\(root.hex.prefix(2))/\(root.hex)"
        if FileManager.default.fileExists(atPath: single) {
            (url, start) = (URL(fileURLWithPath: single), 0)
            return
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(home.content)/packs")
        where name.hasSuffix(".pack") {
            let pack = URL(fileURLWithPath: "\(home.content)/packs/\(name)")
            // The root ends eight bytes before the file's own.
            if let found = try Data(contentsOf: pack).range(of: Data(root.bytes)) {
                (url, start) = (pack, UInt64(found.upperBound + 8))
                return
            }
        }
        throw CocoaError(.fileNoSuchFile)
    }

    /// Changes a byte, with the times of the file as they were.
    func rot(at offset: Int = 0) throws {
        let date = try FileManager.default.attributesOfItem(atPath: url.path)[.modificationDate] as? Date
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: url.path)
        let handle = try FileHandle(forUpdating: url)
        try handle.seek(toOffset: start + UInt64(offset))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: start + UInt64(offset))
        try handle.write(contentsOf: Data([byte ^ 0x10]))
        try handle.close()
        try FileManager.default.setAttributes([.modificationDate: date ?? Date()], ofItemAtPath: url.path)
    }
}

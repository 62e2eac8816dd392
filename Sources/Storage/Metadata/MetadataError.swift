// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB

/// Why the metadata database did not answer.
public enum MetadataError: Error, Equatable {
    /// The file is no database, or its pages contradict each other. Remedy: ``MetadataRescue``, or a copy; keys are
    /// elsewhere.
    case damaged(path: String)
    /// Written by a later version of this program.
    case tooNew(path: String)
    case diskFull(path: String)
    case notPermitted(path: String)
    /// Another process writes to it for longer than five seconds.
    case busy(path: String)
    /// A stored value is not in the form that this version writes.
    case invalidValue(table: String)
    /// Any other failure; `code` is SQLite's extended result code.
    case failed(path: String, code: Int32)

    init(_ error: any Error, path: String) {
        if let error = error as? MetadataError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self = .failed(path: path, code: 1)
            return
        }
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path)
        case .SQLITE_FULL: self = .diskFull(path: path)
        case .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH, .SQLITE_CANTOPEN: self = .notPermitted(path: path)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
        default: self = .failed(path: path, code: error.extendedResultCode.rawValue)
        }
    }
}

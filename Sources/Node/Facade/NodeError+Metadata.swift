// SPDX-License-Identifier: Apache-2.0
internal import Storage

extension NodeError {
    /// What a failure of the metadata database means to its user.
    init(_ error: MetadataError) {
        switch error {
        case .damaged(let path):
            self.init(
                .badData,
                "the metadata database \(path) is damaged",
                remedy:
                    "End the node if one runs, and run `roost doctor`: it copies what can be read into a new one, and keeps the "
                    + "damaged one in quarantine/. Content and keys lie elsewhere."
            )
        case .tooNew(let path):
            self.init(
                .configuration,
                "\(path) was written by a later version of Roost",
                remedy: "Use that version, or another home with --home."
            )
        case .diskFull(let path): self.init(.diskFull(path: path) as StorageError)
        case .notPermitted(let path): self.init(.notPermitted(path: path) as StorageError)
        case .busy(let path):
            self.init(.busy, "another process writes to \(path)", remedy: "End it, then try again.")
        case .invalidValue(let table):
            self.init(
                .badData,
                "the metadata database holds a value in '\(table)' that this version cannot read",
                remedy: "Put metadata.sqlite back from a copy of the home while no node runs, or report this."
            )
        case .failed(let path, let code):
            self.init(
                .inputOutput,
                "the metadata database \(path) failed (SQLite code \(code))",
                remedy: "Check the disk; `roost doctor` verifies what is stored."
            )
        }
    }

    /// Content without the database that tells what it is: a node would begin a new one, and let go of what nothing names.
    init(lostDatabaseOf home: Home) {
        self.init(
            .badData,
            "the database \(home.database) is gone, and the content that it tells of is here",
            remedy:
                "Put it back from a copy of the home, without a metadata.sqlite-wal that is not of the same copy. If there is no copy, "
                + "move the folder content/ away: a node begins anew then. Publish the folders of your sites again (with --new "
                + "where nobody else holds the site), and open and pin again what you had pinned."
        )
    }

    /// Any error that reaches the edge without a translation of its own.
    init(unexpected error: any Error) {
        self =
            Self(known: error)
            ?? Self(.internal, "something unexpected failed: \(error)", remedy: "Report this with the log.")
    }

    /// An error that has a translation.
    init?(known error: any Error) {
        switch error {
        case let error as NodeError: self = error
        case let error as StorageError: self.init(error)
        case let error as MetadataError: self.init(error)
        case let error as KeyStoreError: self.init(error)
        case is CancellationError:
            self.init(.unavailable, "the call was cancelled", remedy: "Call again.")
        default: return nil
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Storage

extension NodeError {
    /// What a failure of the disk or the home means to its user.
    public init(_ error: StorageError) {
        switch error {
        case .io(let operation, let path, let code): self = Self.failed(operation, path, code)
        case .diskFull(let path):
            self.init(
                .inputOutput,
                "there is no space left to write \(path)",
                remedy: "Free space, or lower `quota` with `roost config set quota BYTES`."
            )
        case .notFound(let path):
            self.init(.noInput, "\(path) is not there", remedy: "Check the path.")
        case .notPermitted(let path):
            self.init(
                .notPermitted,
                "\(path) may not be read or written by this user, is open to others, or is on a disk that is mounted read-only",
                remedy: "Correct its owner and mode (0700 for folders of the home, 0600 for its files)."
            )
        case .damaged(let path):
            self.init(
                .badData,
                "\(path) is damaged",
                remedy: "Run `roost doctor`: it repairs what can be repaired and says what cannot."
            )
        case .homeInUse(let path, let holder):
            self.init(
                .busy,
                "the home \(path) is in use by \(holder)",
                remedy: "Use that node, or end it with `roost stop`."
            )
        case .tooNew(let path, let version):
            self.init(
                .configuration,
                "\(path) was written by a later version of Roost (layout \(version))",
                remedy:
                    "Use that version, or another home with --home. Where none was ever used here, the file version is damaged: "
                    + "write \(Home.layoutVersion) into it."
            )
        case .outOfRange(let length):
            self.init(.internal, "a range beyond a file of \(length) bytes was asked for", remedy: "Report this.")
        case .tooLarge(let path, let limit):
            self.init(.badData, "\(path) is larger than \(limit) bytes", remedy: "It is not what belongs there.")
        }
    }

    private static func failed(_ operation: StorageError.Operation, _ path: String, _ code: Int32) -> NodeError {
        guard operation == .create, isNoPlace(code) else {
            return NodeError(
                .inputOutput,
                "\(operation.rawValue) failed on \(path): \(describe(code))",
                remedy: "Check the disk and its mount, then try again; `roost doctor` verifies what is stored."
            )
        }
        return NodeError(
            .cannotCreate,
            "\(path) cannot be made: \(describe(code))",
            remedy: "Name a place where folders can be made."
        )
    }

    /// The path itself is at fault, not the disk: beneath a file, beneath what is no folder, on a read-only file system.
    private static func isNoPlace(_ code: Int32) -> Bool {
        [ENOENT, ENOTDIR, EROFS, ENAMETOOLONG, ELOOP, EPERM].contains(code)
    }

    private static func describe(_ code: Int32) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

// SPDX-License-Identifier: Apache-2.0

extension DirectoryError: CustomStringConvertible {
    /// For people, to stand behind a colon.
    public var description: String {
        switch self {
        case .nodeTooLarge: "a part of it is too large"
        case .malformed: "a part of it is not encoded as it must be"
        case .invalidNode: "a part of it is neither a list of names nor a branch"
        case .wrongHash: "a part of it has another hash than it must have"
        case .invalidName: "a name in it cannot be the name of a file"
        case .pathTooLong(let limit): "a path in it has more than \(limit) bytes"
        case .pathTooDeep(let limit): "a path in it has more than \(limit) parts"
        case .notAscending: "its names do not ascend, or one stands twice"
        case .tooManyFiles(let limit): "it has more than \(limit) files"
        case .treeTooDeep: "it is nested too deep"
        }
    }
}

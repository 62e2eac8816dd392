// SPDX-License-Identifier: Apache-2.0
internal import Storage

extension NodeError {
    /// What it means to the user that a folder cannot become a release.
    init(_ error: PublishError) {
        switch error {
        case .notAFolder(let path): self.init(.noInput, "\(path) is no folder", remedy: "Give the folder of the site.")
        case .containsHome(let path):
            self.init(
                .usage,
                "\(path) holds the home of this node, with its keys",
                remedy: "Publish a folder beside the home."
            )
        case .nothingToPublish(let path):
            self.init(.noInput, "\(path) has no file with anything in it", remedy: "Give the folder with the pages.")
        case .tooManyFiles(let limit):
            self.init(.usage, "the folder has more than \(limit) files", remedy: "Publish it in parts.")
        case .pathTooLong(let path, let limit):
            self.init(.usage, "the path \(path) is longer than \(limit) bytes", remedy: "Shorten its names.")
        case .tooDeep(let path, let limit):
            self.init(.usage, "\(path) lies more than \(limit) folders deep", remedy: "Move it up.")
        case .tooLarge(let limit):
            self.init(.usage, "the folder has more than \(limit) bytes", remedy: "Publish it in parts.")
        case .metadataTooLarge(let limit):
            self.init(
                .usage,
                "the list of files is longer than the \(limit) bytes that readers accept",
                remedy: "Publish fewer files, or give them shorter names."
            )
        case .notDescribable(let error):
            self.init(
                .usage,
                "no torrent can describe this folder: \(error)",
                remedy: "Change the names it objects to."
            )
        case .notListable(let error):
            self.init(.usage, "no directory can list this folder: \(error)", remedy: "Change the names it objects to.")
        case .cancelled: self.init(unexpected: CancellationError())
        case .storage(let error): self.init(error)
        }
    }

    /// What it means to the user that a release was not written out.
    init(_ error: ExportError) {
        switch error {
        case .notEmpty(let path):
            self.init(
                .cannotCreate,
                "\(path) is not an empty folder",
                remedy: "Name a folder that is not there yet, or an empty one."
            )
        case .missing(let path):
            self.init(
                .inputOutput,
                "\(path) had arrived and is not in the store",
                remedy: "Run `roost doctor`, then fetch again."
            )
        case .unusablePath(let path):
            self.init(
                .badData,
                "\(path) cannot be a path on this machine",
                remedy: "Read it in a browser: `roost open`."
            )
        case .cancelled: self.init(unexpected: CancellationError())
        case .storage(let error): self.init(error)
        }
    }
}

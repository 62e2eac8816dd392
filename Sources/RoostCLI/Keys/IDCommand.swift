// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Node

struct IDCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id",
        abstract: "Identities: keys that are a person or a service.",
        subcommands: [New.self, List.self, Show.self, Export.self, Import.self]
    )

    static func text(_ identity: IdentitySummary) -> String {
        let devices = Plural.count(identity.devices, "device")
        return "\(identity.name)  \(identity.id)  \(protection(identity)), \(devices)"
    }

    private static func protection(_ identity: IdentitySummary) -> String {
        switch identity.protection {
        case "passphrase": "protected by a passphrase"
        case "key missing": "its key is missing (see `roost doctor`)"
        default: "protected by \(identity.protection)"
        }
    }

    static func text(_ new: NewIdentity) -> String {
        """
        \(text(new.identity))

        Recovery kit, shown this once: whoever has it can take this identity over, and it is the one way to take it back
        from a thief. Print it or write it down, keep it apart from this computer, show it to nobody.

        \(new.recoveryKit)
        """
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make one. Its recovery kit is shown once.")
        @OptionGroup var options: GlobalOptions
        @Argument(help: "What to call it here; nobody else sees it.") var name: String
        @Option(help: ArgumentHelp("Also write the recovery kit to this new file.", valueName: "file"))
        var kit: String?

        func run() async throws {
            let new = try LocalKeys.open(options).newIdentity(name: name, kitPath: kit)
            options.print(new, text: IDCommand.text)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List them, and how each is protected.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            options.print(try LocalKeys.open(options).identities()) { identities in
                identities.isEmpty
                    ? "No identities yet: `roost id new NAME` makes one."
                    : identities.map(IDCommand.text).joined(separator: "\n")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one.")
        @OptionGroup var options: GlobalOptions
        @Argument(help: "Its name, or its id; the first one unless given.") var name: String?

        func run() async throws {
            options.print(try LocalKeys.open(options).identity(name), text: Self.text)
        }

        static func text(_ identity: IdentitySummary) -> String {
            """
            \(identity.name)
              id         \(identity.id)
              key        \(identity.key)
              protected  \(IDCommand.protection(identity).replacing("protected ", with: ""))
              devices    \(identity.devices)
            """
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write one with its keys to a file, sealed with a passphrase."
        )
        @OptionGroup var options: GlobalOptions
        @Argument(help: "Its name, or its id.") var name: String
        @Argument(help: "The file, which must not be there yet.", completion: .file()) var file: String
        @Option(help: ArgumentHelp("A file with the passphrase for the exported file.", valueName: "file"))
        var filePassphrase: String?

        func run() async throws {
            let keys = LocalKeys.open(options)
            let identity = try keys.identity(name)
            let passphrase = try PassphraseInput.forFile(filePassphrase, isNew: true)
            let bytes = try keys.exportIdentity(name, passphrase: passphrase)
            try UserFile(file).create(bytes)
            options.print(identity) { "Exported '\($0.name)' to \(file). It opens with its passphrase alone." }
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take in an exported one, or bring the one that is here up to date."
        )
        @OptionGroup var options: GlobalOptions
        @Argument(help: "The file.", completion: .file()) var file: String
        @Option(help: ArgumentHelp("What to call it here, instead of its name there.", valueName: "name"))
        var name: String?
        @Option(help: ArgumentHelp("A file with the passphrase of the exported file.", valueName: "file"))
        var filePassphrase: String?

        func run() async throws {
            let bytes = try UserFile(file).read(limit: NodeKeys.maximumExportByteCount)
            let passphrase = try PassphraseInput.forFile(filePassphrase, isNew: false)
            let identity = try LocalKeys.open(options).importIdentity(bytes, passphrase: passphrase, name: name)
            options.print(identity, text: IDCommand.text)
        }
    }
}

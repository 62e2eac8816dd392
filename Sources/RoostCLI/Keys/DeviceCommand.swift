// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Node

struct DeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device",
        abstract: "The devices that may act for an identity.",
        subcommands: [Add.self, List.self, Remove.self, Key.self]
    )

    static func text(_ devices: [DeviceSummary]) -> String {
        guard !devices.isEmpty else { return "It admits no device." }
        return devices.map { "\($0.key)  \($0.name)\($0.isThis ? "  (this device)" : "")" }.joined(separator: "\n")
    }

    struct IdentityOption: ParsableArguments {
        @Option(help: ArgumentHelp("The identity, by name or id; the first one unless given.", valueName: "identity"))
        var identity: String?
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Admit a device.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var of: IdentityOption
        @Argument(help: "Its key, as `roost device key` prints it there; this device unless given.") var key: String?
        @Option(help: "What to call it. All who see the identity see this.") var name: String

        func run() async throws {
            let devices = try LocalKeys.open(options).addDevice(key, name: name, to: of.identity)
            options.print(devices, text: DeviceCommand.text)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List them.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var of: IdentityOption

        func run() async throws {
            options.print(try LocalKeys.open(options).devices(of: of.identity), text: DeviceCommand.text)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take the admission of a device back.")
        @OptionGroup var options: GlobalOptions
        @OptionGroup var of: IdentityOption
        @Argument(help: "Its key or its name.") var device: String

        func run() async throws {
            let devices = try LocalKeys.open(options).removeDevice(device, from: of.identity)
            options.print(devices, text: DeviceCommand.text)
        }
    }

    struct Key: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the key that this device has for an identity, which another device admits."
        )
        @OptionGroup var options: GlobalOptions
        @Argument(help: "The identity's id; a name where the identity is here.") var identity: String?

        func run() async throws {
            options.print(["key": try LocalKeys.open(options).deviceKey(for: identity)]) { $0["key"] ?? "" }
        }
    }
}

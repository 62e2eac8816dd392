// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@Suite struct ReplayTests {
    private static var program: URL? {
        // The test bundle and the program lie in one folder.
        let folders =
            CommandLine.arguments.prefix(1).map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
            + Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
        return folders.map { $0.appendingPathComponent("roost-sim") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    private func run(_ arguments: [String], deterministicHashing: Bool) async throws -> String {
        let program: URL = try #require(Self.program)
        return try await onOwnThread {
            Result { try Self.output(of: program, arguments, deterministicHashing: deterministicHashing) }
        }.get()
    }

    private static func output(of program: URL, _ arguments: [String], deterministicHashing: Bool) throws -> String {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_DETERMINISTIC_HASHING"] = deterministicHashing ? "1" : nil
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: data, as: UTF8.self)
    }

    @Test(
        "Processes whose hash tables have other seeds give the same figures and the same trace",
        arguments: [
            "dht-short", "dht-items", "swarm-faults", "feed-fork", "partition-heal", "utp-faults", "publisher-gone",
            "eclipse",
        ]
    )
    func sameTrace(scenario: String) async throws {
        let arguments = ["run", scenario, "--small", "--seed", "3"]
        let first = try await run(arguments, deterministicHashing: false)
        let second = try await run(arguments, deterministicHashing: true)
        #expect(first.contains("\ntrace ") && first == second)
    }
}

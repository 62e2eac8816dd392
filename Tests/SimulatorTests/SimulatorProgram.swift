// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

/// `roost-sim`, as it lies beside the tests.
struct SimulatorProgram {
    /// How it ended, and what it had said.
    struct Ended: Sendable {
        var status: Int32
        var output: String
        var errors: String
    }

    private let url: URL

    init() throws {
        // The test bundle and the program lie in one folder.
        let folders =
            CommandLine.arguments.prefix(1).map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
            + Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
        url = try #require(
            folders.map { $0.appendingPathComponent("roost-sim") }
                .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        )
    }

    /// Runs it to its end. With `terminated`, SIGTERM comes when that has been said so often on standard error.
    func run(
        _ arguments: [String],
        deterministicHashing: Bool = false,
        terminated: (after: String, times: Int)? = nil
    ) async throws -> Ended {
        try await onOwnThread { [url] in
            Result {
                let process = Process()
                process.executableURL = url
                process.arguments = arguments
                var environment = ProcessInfo.processInfo.environment
                environment["SWIFT_DETERMINISTIC_HASHING"] = deterministicHashing ? "1" : nil
                process.environment = environment
                let (output, errors) = (Pipe(), Pipe())
                process.standardOutput = output
                process.standardError = errors
                try process.run()
                var said = Data()
                if let (words, times) = terminated {
                    while String(decoding: said, as: UTF8.self).components(separatedBy: words).count <= times {
                        let more = errors.fileHandleForReading.availableData
                        guard !more.isEmpty else { break }
                        said += more
                    }
                    process.terminate()
                }
                // What it complains of fits into a pipe, so that it can be read last.
                let data = output.fileHandleForReading.readDataToEndOfFile()
                said += errors.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return Ended(
                    status: process.terminationStatus,
                    output: String(decoding: data, as: UTF8.self),
                    errors: String(decoding: said, as: UTF8.self)
                )
            }
        }.get()
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Foundation
internal import Node
internal import Storage

/// Starts a node in the background: a process of its own session that keeps none of our streams open.
struct NodeLauncher {
    private let options: GlobalOptions
    private let home: Home
    private let quiet: Bool
    /// More words for `roost start`.
    private let arguments: [String]

    /// `arguments` are further flags of `roost start`; `--while-used` unless given: it ends when nobody reads.
    init(_ options: GlobalOptions, arguments: [String] = ["--while-used"]) {
        self.options = options
        home = Home(path: options.homeDirectory.path)
        quiet = options.quiet || options.json
        let passphrase = options.passphraseFile.map { ["--passphrase-file", URL(fileURLWithPath: $0).path] } ?? []
        self.arguments = arguments + passphrase
    }

    /// Returns when the node is ready. Throws what it said where it could not start.
    func launch() async throws {
        if !quiet { note("Starting a node on \(home.path).") }
        let ready = Pipe()
        let secret = try PassphraseInput.forBackgroundNode(options).map(Self.pipe)
        // A pipe closes with its last use, which must not be before the child has it.
        let pid = try withExtendedLifetime(secret) {
            try spawn(
                readyDescriptor: ready.fileHandleForWriting.fileDescriptor,
                secretDescriptor: secret?.fileHandleForReading.fileDescriptor
            )
        }
        try ready.fileHandleForWriting.close()
        let answer = try await Self.readAll(ready.fileHandleForReading)
        if answer.starts(with: Data("ready".utf8)) { return }
        if let failure = try? JSONDecoder().decode([String: NodeError].self, from: answer), let error = failure["error"]
        {
            throw error
        }
        throw NodeError(
            .unavailable,
            "the node (process \(pid)) ended before it was ready",
            remedy: "See \(home.log)."
        )
    }

    private func note(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// A pipe that holds a passphrase, which is shorter than any pipe's buffer.
    private static func pipe(_ passphrase: [UInt8]) throws -> Pipe {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data(passphrase.prefix(PassphraseSource.maximumBytes)))
        try pipe.fileHandleForWriting.close()
        return pipe
    }

    /// This program by its name, which `ps` and our own messages then show; by the kernel's link where the file was
    /// replaced since.
    private static var program: String {
        let link = "/proc/self/exe"
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: link),
            FileManager.default.isExecutableFile(atPath: path)
        else { return link }
        return path
    }

    private func spawn(readyDescriptor: Int32, secretDescriptor: Int32?) throws(NodeError) -> pid_t {
        do throws(StorageError) { try home.prepare() } catch { throw NodeError(error) }
        let words =
            ["roost", "start", "--home", home.path, "--ready-descriptor", "3"] + arguments
            + (secretDescriptor == nil ? [] : ["--passphrase-descriptor", "4"])
        var pid: pid_t = 0
        // SAFETY: the C strings live until the call that copies them has returned.
        let status = unsafe withCStrings(words) { words in
            unsafe roost_spawn_detached(
                Self.program,
                words,
                home.log,
                readyDescriptor,
                secretDescriptor ?? -1,
                &pid
            )
        }
        guard status == 0 else {
            throw NodeError(
                .internal,
                "the program could not start itself (error \(status))",
                remedy: "Start the node by hand with `roost start`."
            )
        }
        return pid
    }

    // SAFETY: the strings are freed when `body` has returned, which must not keep them.
    private func withCStrings(
        _ texts: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        var strings = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe strings.indices { unsafe free(strings[index]) } }
        return unsafe body(&strings)
    }

    private static func readAll(_ handle: FileHandle) async throws -> Data {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try handle.readToEnd() ?? Data() })
            }
        }
    }
}

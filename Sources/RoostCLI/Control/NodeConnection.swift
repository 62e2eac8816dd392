// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Storage
internal import Wire

/// Reaches the node of a home, and starts one where none runs.
enum NodeConnection {
    static func open(_ options: GlobalOptions, _ start: StartChoice) async throws -> RemoteNode {
        if let node = try await running(options) { return node }
        guard !start.refused else {
            throw NodeError(
                .unavailable,
                "no node runs on \(options.homeDirectory.path)",
                remedy: "Start one with `roost start`."
            )
        }
        try await NodeLauncher(options).launch()
        guard let node = try await running(options) else {
            throw NodeError(
                .unavailable,
                "the node that was just started does not answer",
                remedy: "See \(Home(path: options.homeDirectory.path).log)."
            )
        }
        return node
    }

    /// Asks the node to end, and waits until its home is free again, 10 s at most.
    static func stop(_ options: GlobalOptions) async throws {
        let node = try await open(options, .never)
        let home = Home(path: options.homeDirectory.path)
        await node.stop()
        for _ in 0..<200 {
            if home.holder == nil { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw NodeError(
            .busy,
            "the node was asked to end and still holds its home",
            remedy: "Wait, or end process \(node.lastStatus.pid)."
        )
    }

    /// The node that holds the home now; nil where none does.
    static func running(_ options: GlobalOptions) async throws -> RemoteNode? {
        let home = Home(path: options.homeDirectory.path)
        guard home.holder != nil, let address = NodeAddress.read(from: home) else { return nil }
        let token: [UInt8]
        do throws(StorageError) {
            token = try home.read(home.controlToken, limit: 256)
        } catch {
            throw NodeError(
                .notPermitted,
                "the control token of \(home.path) cannot be read",
                remedy: "Run this as the user whose node it is."
            )
        }
        let text = String(decoding: token, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return try await RemoteNode.connect(ControlClient(endpoint: address.control, token: text))
    }
}

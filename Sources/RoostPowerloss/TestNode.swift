// SPDX-License-Identifier: Apache-2.0
internal import Feeds
internal import Foundation
internal import Logging
internal import Node
internal import Storage
internal import Wire

/// A node on loopback ports of its own, in no network.
final class TestNode: Sendable {
    let node: Node
    private let work: Task<Void, any Error>

    /// `quota`: bytes kept of what is neither own nor pinned.
    init(home: String, quota: Int64 = 10 << 30) async throws(NodeError) {
        var configuration = NodeConfiguration()
        configuration.quota = quota
        configuration.listen = Endpoint(.v4(0x7F00_0001), port: 0)
        configuration.network = "none"
        configuration.serve = .quota
        var logger = Logger(label: "roost") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        let node = try await Node.open(
            NodeOptions(home: Home(path: home), configuration: configuration, version: "0", logger: logger)
        )
        self.node = node
        // BRIDGE: ends with ``stop()``, which whoever made the node calls.
        work = Task { try await node.run() }
    }

    func stop() async {
        await node.stop()
        _ = await work.result
    }

    /// Every file of a release, from what is here alone.
    func files(of site: Digest256, _ selector: ReleaseSelector) async throws(NodeError) -> [String: [UInt8]] {
        let release = try await node.release(of: site, selector, mayUseNetwork: false)
        var files: [String: [UInt8]] = [:]
        try await collect([], of: release, into: &files)
        return files
    }

    /// What can be read of a release from what is here, and why the rest cannot.
    func readable(of site: Digest256, _ selector: ReleaseSelector) async -> (files: [String: [UInt8]], errors: [String])
    {
        var (files, errors): ([String: [UInt8]], [String]) = ([:], [])
        do throws(NodeError) {
            let release = try await node.release(of: site, selector, mayUseNetwork: false)
            await collect([], of: release, into: &files, &errors)
        } catch {
            errors.append(error.message)
        }
        return (files, errors)
    }

    private func collect(
        _ path: [String],
        of release: ReleaseReference,
        into files: inout [String: [UInt8]],
        _ errors: inout [String]
    ) async {
        let name = path.joined(separator: "/")
        do throws(NodeError) {
            switch try await node.entry(at: path, in: release, mayUseNetwork: false) {
            case .folder(let names):
                for name in names {
                    let inner = path + [name.replacingOccurrences(of: "/", with: "")]
                    await collect(inner, of: release, into: &files, &errors)
                }
            case .file(let file): files[name] = try await read(file, of: release)
            case nil: errors.append("nothing at \(name)")
            }
        } catch {
            errors.append("\(name): \(error.message)")
        }
    }

    private func collect(
        _ path: [String],
        of release: ReleaseReference,
        into files: inout [String: [UInt8]]
    ) async throws(NodeError) {
        switch try await node.entry(at: path, in: release, mayUseNetwork: false) {
        case .folder(let names):
            for name in names {
                try await collect(path + [name.replacingOccurrences(of: "/", with: "")], of: release, into: &files)
            }
        case .file(let file): files[path.joined(separator: "/")] = try await read(file, of: release)
        case nil: throw NodeError(.notFound, "nothing at \(path)", remedy: "")
        }
    }

    private func read(_ file: ReleaseFile, of release: ReleaseReference) async throws(NodeError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < file.length {
            bytes += try await node.read(
                file,
                in: release,
                from: Int64(bytes.count),
                count: 1 << 20,
                mayUseNetwork: false
            )
        }
        return bytes
    }
}

// SPDX-License-Identifier: Apache-2.0
public import Storage
public import Wire

/// Where a running node is reached on this machine: `node.address` in its home, written when it is ready.
public struct NodeAddress: Sendable, Equatable {
    /// Where sites are shown.
    public var gateway: Endpoint
    /// Where the control API answers.
    public var control: Endpoint

    /// Takes each value as it is.
    public init(gateway: Endpoint, control: Endpoint) {
        self.gateway = gateway
        self.control = control
    }

    private static func file(of home: Home) -> String { home.path + "/node.address" }

    /// Nil where no node has written it, or it is damaged.
    public static func read(from home: Home) -> NodeAddress? {
        guard let bytes = try? home.read(file(of: home), limit: 4096) else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        guard parts.count == 2, let gateway = Endpoint(parts[0]), let control = Endpoint(parts[1]) else { return nil }
        return NodeAddress(gateway: gateway, control: control)
    }

    /// Leaves the addresses in the home for the commands, durably; replaces what stood there.
    public func write(to home: Home) throws(StorageError) {
        try home.write(Array("\(gateway)\n\(control)\n".utf8), to: Self.file(of: home))
    }
}

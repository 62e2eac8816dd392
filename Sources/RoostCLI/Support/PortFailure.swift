// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import NIOCore
internal import Node
internal import Transport
internal import Wire

/// Why a stand-alone command cannot listen.
enum PortFailure {
    /// `.busy` where another program has the port, `.usage` where this machine has no such address.
    static func error(_ endpoint: Endpoint, _ error: any Error) -> NodeError {
        let code: CInt? =
            switch error {
            case UDPSocketError.cannotBind(_, let code): code
            default: (error as? IOError)?.errnoCode
            }
        if code == EADDRINUSE {
            return NodeError(
                .busy,
                "\(endpoint) is taken by \(PortHolder.words(port: Int(endpoint.port)))",
                remedy: "Choose another --listen, or stop what uses that port."
            )
        }
        let isOurs = code.map { ![EADDRNOTAVAIL, EACCES, EAFNOSUPPORT].contains($0) } ?? true
        return NodeError(
            isOurs ? .inputOutput : .usage,
            "\(endpoint) cannot be listened on" + (code.map { " (error \($0))" } ?? ""),
            remedy: "Choose an address of this machine and a port from 1024 with --listen."
        )
    }
}

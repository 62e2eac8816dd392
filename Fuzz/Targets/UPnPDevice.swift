// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Glibc
internal import Synchronization

/// A device on loopback that answers what it is asked over HTTP with given bytes, and closes. One for the process, on a thread of
/// its own.
final class UPnPDevice: Sendable {
    static let shared = UPnPDevice()

    private struct State {
        var answers: [Int: [UInt8]] = [:]
        var next = 0
    }

    private let state = Mutex(State())
    private let listener: Int32
    private let port: UInt16

    private init() {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // struct sockaddr_in: family, port, 127.0.0.1.
        var address: [UInt8] = [UInt8(AF_INET), 0, 0, 0, 127, 0, 0, 1] + [UInt8](repeating: 0, count: 8)
        var length = socklen_t(address.count)
        let descriptor = listener
        // SAFETY: the bytes live for the calls, and are as many as is said.
        let isBound = unsafe address.withUnsafeMutableBytes { bytes in
            guard let address = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return false }
            return unsafe bind(descriptor, address, length) == 0 && listen(descriptor, 64) == 0
                && getsockname(descriptor, address, &length) == 0
        }
        precondition(isBound, "there is a port on loopback")
        port = UInt16(address[2]) << 8 | UInt16(address[3])
        Thread.detachNewThread { [self] in while answerNext() {} }
    }

    /// Where `answer` is given to whoever asks.
    func url(of answer: [UInt8]) -> String {
        let number = state.withLock { state in
            state.next += 1
            state.answers[state.next] = answer
            return state.next
        }
        return "http://127.0.0.1:\(port)/\(number)"
    }

    func forget(_ url: String) {
        guard let number = url.split(separator: "/").last.flatMap({ Int($0) }) else { return }
        state.withLock { $0.answers[number] = nil }
    }

    /// Returns false where nobody can ask any more. A loop that never ends would keep what it has allocated.
    private func answerNext() -> Bool {
        let peer = accept(listener, nil, nil)
        guard peer >= 0 else { return errno != EBADF }
        let answer = number(in: request(peer)).flatMap { number in state.withLock { $0.answers[number] } } ?? []
        // SAFETY: the bytes live for the call.
        _ = unsafe answer.withUnsafeBytes { unsafe send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        shutdown(peer, Int32(SHUT_WR))
        // What is left unread would end the connection before the answer has come.
        while !received(peer).isEmpty {}
        close(peer)
        return true
    }

    private func request(_ peer: Int32) -> [UInt8] {
        var request: [UInt8] = []
        while request.filter({ $0 == UInt8(ascii: " ") }).count < 2 {
            let part = received(peer)
            if part.isEmpty { break }
            request += part
        }
        return request
    }

    private func received(_ peer: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        // SAFETY: the buffer has the length that is said.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(peer, $0.baseAddress, $0.count, 0) }
        return Array(bytes.prefix(max(0, count)))
    }

    private func number(in request: [UInt8]) -> Int? {
        request.split(separator: UInt8(ascii: " ")).dropFirst().first.flatMap { Int($0.text.dropFirst()) }
    }
}

extension ArraySlice<UInt8> {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}

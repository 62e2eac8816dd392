// SPDX-License-Identifier: Apache-2.0
internal import NIOCore

/// Two ways to one peer: the second is tried when the first has failed or taken long, and whichever opens first is used.
/// Confined to one event loop.
final class StreamRace {
    private var completion: (((any PeerByteStream)?) -> Void)?
    private var second: (() -> Void)?
    private var running: Set<PeerTransport> = [.tcp]

    init(_ completion: @escaping ((any PeerByteStream)?) -> Void) {
        self.completion = completion
    }

    /// `second`: begins the other way. Where the first has failed already it begins at once.
    func start(second: @escaping () -> Void) {
        self.second = second
        if running.isEmpty { startSecond() }
    }

    /// Begins the other way unless it has begun or is not needed any more.
    func startSecond() {
        guard completion != nil, let second else { return }
        self.second = nil
        running.insert(.utp)
        second()
    }

    func finished(_ transport: PeerTransport, _ stream: (any PeerByteStream)?) {
        running.remove(transport)
        guard let completion else {
            stream?.close()
            return
        }
        if let stream {
            self.completion = nil
            completion(stream)
        } else if second != nil {
            startSecond()
        } else if running.isEmpty {
            self.completion = nil
            completion(nil)
        }
    }
}

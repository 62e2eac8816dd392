// SPDX-License-Identifier: Apache-2.0
internal import NIOCore
internal import Wire

/// TCP connections that are made before it is known which torrent they will be for: to a peer that is being asked about a
/// site, whose pages it is likely to be asked for next. That saves the round trip in which TCP connects.
///
/// Confined to one event loop. Memory: at most ``capacity`` connections, each for at most ``life``.
final class PreparedStreams {
    static let capacity = 4
    static let life = TimeAmount.seconds(4)

    typealias Completion = ((any PeerByteStream)?) -> Void

    private final class Entry {
        var stream: TCPPeerStream?
        /// Who came for it before it was connected.
        var waiter: Completion?
        var end: Scheduled<Void>?
    }

    private let loop: any EventLoop
    private var entries: [Endpoint: Entry] = [:]

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// Connects to `endpoint`, unless there is such a connection already, or there are too many.
    ///
    /// `connect`: makes the connection; called at once.
    func prepare(_ endpoint: Endpoint, connect: (@escaping (TCPPeerStream?) -> Void) -> Void) {
        guard entries[endpoint] == nil, entries.count < Self.capacity else { return }
        let entry = Entry()
        entries[endpoint] = entry
        entry.end = loop.assumeIsolated().scheduleTask(in: Self.life) { [weak self] in self?.drop(entry, endpoint) }
        connect { [weak self] stream in
            guard let self, entries[endpoint] === entry else {
                stream?.close()
                return
            }
            if let waiter = entry.waiter {
                remove(entry, endpoint)
                waiter(stream)
            } else if let stream {
                entry.stream = stream
            } else {
                remove(entry, endpoint)
            }
        }
    }

    /// Gives a prepared connection to `completion`, never before this returns; nil where it could not be made.
    ///
    /// - Returns: whether there is one.
    func take(_ endpoint: Endpoint, completion: @escaping Completion) -> Bool {
        guard let entry = entries[endpoint], entry.waiter == nil else { return false }
        guard let stream = entry.stream else {
            // From here on it is whoever waits who gives up.
            entry.end?.cancel()
            entry.waiter = completion
            return true
        }
        remove(entry, endpoint)
        guard stream.isUsable else {
            stream.close()
            return false
        }
        loop.assumeIsolated().execute { completion(stream) }
        return true
    }

    func closeAll() {
        for (endpoint, entry) in entries { drop(entry, endpoint) }
    }

    private func remove(_ entry: Entry, _ endpoint: Endpoint) {
        entry.end?.cancel()
        if entries[endpoint] === entry { entries[endpoint] = nil }
    }

    private func drop(_ entry: Entry, _ endpoint: Endpoint) {
        remove(entry, endpoint)
        entry.stream?.close()
        entry.waiter?(nil)
        entry.waiter = nil
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import NIOCore
internal import Transport
internal import Wire

/// A driver's connections: made by others, dialled, to web seeds, ended.
extension TorrentDriver {
    /// Takes over a connection that somebody made to us.
    func accept(_ connection: IncomingConnection) {
        guard let place = budget.take() else { return connection.close() }
        let (id, actions) = session.accept(
            from: connection.endpoint,
            capabilities: connection.capabilities,
            hash: connection.hash,
            isUTP: connection.stream.value.transport == .utp,
            now: Self.now
        )
        guard let id else {
            perform(actions)
            return connection.close()
        }
        let link = PeerLink(id: id, place: place, stream: connection.stream.value, driver: self)
        links[id] = link
        perform(actions)
        var rest = connection.received
        rest.moveReaderIndex(forwardBy: min(Handshake.prefixByteCount, rest.readableBytes))
        if links[id] != nil { link.start(after: rest) }
    }

    func dial(_ id: ConnectionID, _ endpoint: Endpoint, _ route: DialRoute) {
        guard let place = budget.take(), let dial = dialBudget.take(), let hash = session.infoHashes.short.first else {
            // The session is told when it is done with its present input; it tries again later.
            loop.assumeIsolated().execute { self.update { $0.postponed(id, now: $1) } }
            return
        }
        dials[id] = (place, dial)
        connector.connect(to: endpoint, about: hash, route: route) { [weak self] stream in self?.dialled(id, stream) }
    }

    private func dialled(_ id: ConnectionID, _ stream: (any PeerByteStream)?) {
        // Without its place the session has given the connection up meanwhile.
        guard let place = dials.removeValue(forKey: id)?.place else {
            stream?.close()
            return
        }
        guard let stream else { return update { $0.closed(id, now: $1) } }
        let link = PeerLink(id: id, place: place, stream: stream, driver: self)
        links[id] = link
        update { $0.connected(id, isUTP: stream.transport == .utp, now: $1) }
        if links[id] != nil { link.start() }
    }

    func channelClosed(_ id: ConnectionID) {
        guard links.removeValue(forKey: id) != nil else { return }
        update { $0.closed(id, now: $1) }
    }

    func wrote(_ count: Int, _ buffer: ByteBuffer?, to id: ConnectionID) {
        if let buffer { buffers.give(buffer) }
        update { $0.sent(id, bytes: count, now: $1) }
    }

    /// Takes up a web seed; nil where there are too many, or where the info dictionary is not known.
    func addWebSeed(_ address: WebSeedAddress, dialer: HTTPDialer, places: WebSeedPlaces) {
        guard let metainfo, let layout = WebSeedLayout(address.kind, base: address.url, metainfo: metainfo),
            let id = session.addWebSeed()
        else { return }
        webSeeds[id] = WebSeedDriver(
            address,
            id: id,
            seed: WebSeed(address.kind, layout: layout),
            driver: self,
            dialer: dialer,
            places: places,
            logger: logger
        )
        update { $0.setWebSeed(id, isReady: true, now: $1) }
    }
}

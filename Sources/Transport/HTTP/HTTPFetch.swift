// SPDX-License-Identifier: Apache-2.0
public import NIOCore
public import Wire

/// What a small resource is asked for, whole and at once: a tracker's answer.
public struct HTTPReply: Sendable {
    /// Of the last answer, after all redirects.
    public var status: Int
    /// The whole body, within the bound that was asked for.
    public var body: [UInt8]
    /// Who sent it, after all redirects.
    public var remote: Endpoint
}

extension HTTPDialer {
    /// Gets a resource of at most `maximumBytes` within `timeout`, redirects and all. May be called from anywhere.
    ///
    /// `isV4`: over which family alone, where the server has an address in it.
    /// - Throws: (in the future) ``HTTPError``.
    public func get(
        _ url: ServiceURL,
        policy: AddressPolicy,
        isV4: Bool? = nil,
        maximumBytes: Int,
        timeout: TimeAmount
    ) -> EventLoopFuture<HTTPReply> {
        loop.flatSubmit {
            let promise = self.loop.makePromise(of: HTTPReply.self)
            HTTPFetch(self, url, policy, isV4: isV4, maximumBytes: maximumBytes, promise: promise)
                .start(timeout: timeout)
            return promise.futureResult
        }
    }
}

/// One ``HTTPDialer/get(_:policy:maximumBytes:timeout:)``. Confined to the loop; keeps itself alive until its promise is kept.
private final class HTTPFetch: HTTPConnectionUser {
    private let dialer: HTTPDialer
    private var url: ServiceURL
    private var policy: AddressPolicy
    private let isV4: Bool?
    private let maximumBytes: Int
    private var promise: EventLoopPromise<HTTPReply>?
    private var connection: HTTPConnection?
    private var head: HTTPHead?
    private var body: [UInt8] = []
    private var redirects = 0
    private var timer: Scheduled<Void>?
    private var own: HTTPFetch?

    init(
        _ dialer: HTTPDialer,
        _ url: ServiceURL,
        _ policy: AddressPolicy,
        isV4: Bool?,
        maximumBytes: Int,
        promise: EventLoopPromise<HTTPReply>
    ) {
        self.isV4 = isV4
        self.dialer = dialer
        self.url = url
        self.policy = policy
        self.maximumBytes = maximumBytes
        self.promise = promise
    }

    func start(timeout: TimeAmount) {
        own = self
        timer = dialer.loop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in self?.finish(.failure(.timeout))
        }
        connect()
    }

    private func connect() {
        dialer.connect(to: url, policy: policy, isV4: isV4) { [weak self] result in
            guard let self, self.promise != nil else {
                if case .success(let connection) = result { connection.close() }
                return
            }
            switch result {
            case .success(let connection):
                self.connection = connection
                connection.user = self
                connection.get(self.url, isLast: true)
            case .failure(let error): self.finish(.failure(error))
            }
        }
    }

    private func finish(_ result: Result<HTTPReply, HTTPError>) {
        guard let promise else { return }
        self.promise = nil
        timer?.cancel()
        connection?.close()
        connection = nil
        own = nil
        switch result {
        case .success(let reply): promise.succeed(reply)
        case .failure(let error): promise.fail(error)
        }
    }

    // MARK: The answer

    func began(_ head: HTTPHead, from connection: HTTPConnection) {
        if head.isRedirect { return follow(head, from: connection) }
        guard head.contentLength ?? 0 <= Int64(maximumBytes) else { return finish(.failure(.tooLarge)) }
        guard head.isPlain else { return finish(.failure(.malformed)) }
        self.head = head
    }

    func received(_ bytes: ByteBuffer, from connection: HTTPConnection) {
        guard body.count + bytes.readableBytes <= maximumBytes else { return finish(.failure(.tooLarge)) }
        body += bytes.readableBytesView
    }

    func ended(_ connection: HTTPConnection) {
        guard let head else { return }
        finish(.success(HTTPReply(status: head.status, body: body, remote: connection.remote)))
    }

    func closed(_ connection: HTTPConnection, _ error: HTTPError) { finish(.failure(error)) }

    private func follow(_ head: HTTPHead, from connection: HTTPConnection) {
        redirects += 1
        guard redirects <= dialer.configuration.maximumRedirects,
            let next = url.following(head.location, named: connection.remote)
        else { return finish(.failure(.badRedirect)) }
        (url, policy) = next
        connection.close()
        self.connection = nil
        connect()
    }
}

extension ServiceURL {
    /// Where a redirect leads, and under which policy: it is the word of the server that sent it.
    ///
    /// - Returns: nil for what is no URL, and from https to http.
    public func following(_ location: String?, named server: Endpoint) -> (ServiceURL, AddressPolicy)? {
        guard let location, let next = resolving(location), next.scheme != .udp,
            scheme != .https || next.scheme == .https
        else { return nil }
        return (next, .named(by: server.address))
    }
}

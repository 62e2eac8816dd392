// SPDX-License-Identifier: Apache-2.0

/// Where the two servers listen and how patient they are.
public struct GatewayConfiguration: Sendable {
    /// An address and a port to listen on.
    public struct Binding: Hashable, Sendable {
        /// A literal loopback address; what else could reach the node is refused by the peer check in any case.
        public var host: String
        /// 0 takes any free port: for tests only, since an origin and its storage include the port.
        public var port: Int

        /// A place to listen.
        public init(host: String = "127.0.0.1", port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// The content of sites.
    public var content = Binding(port: 8420)
    /// The control API and the user interface.
    public var control = Binding(port: 8421)
    /// The network whose sites are served; nil is Mainline, whose sites have no network label in their host name.
    public var network: String?
    /// How long a page load waits for a first answer before it gets the live page. Default 2 s: most warm lookups end
    /// sooner, and a person sees something happen.
    public var pagePatience: Duration = .seconds(2)
    /// How long anything else waits, and how long a site may stay without an answer before it counts as not found in
    /// time: 60 s (the surface, "504 after 60 s").
    public var patience: Duration = .seconds(60)
    /// How long the live page rests before it looks again where a search ended early: 2 s, since a search asks dozens of
    /// nodes of the DHT.
    public var searchPause: Duration = .seconds(2)
    /// How long open connections may take to end once the node stops. Default 3 s, of the 5 s that a stop may take.
    public var drain: Duration = .seconds(3)

    /// The clock by which a site has been looked for too long; another one for tests.
    package var now: @Sendable () -> ContinuousClock.Instant = { .now }

    /// The defaults.
    public init() {}
}

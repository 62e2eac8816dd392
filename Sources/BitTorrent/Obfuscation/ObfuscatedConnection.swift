// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One end of an obfuscated connection (Message Stream Encryption), from the first byte to the last.
///
/// ```
/// who dials                                              who was dialled
///   Ya, PadA                              ──▶
///                                         ◀──            Yb, PadB
///   HASH('req1', S)                       ──▶            seeks it among 628 bytes
///   HASH('req2', hash) ⊕ HASH('req3', S)                 finds the torrent
///   ENC(VC, provide, PadC, IA)
///   seeks ENC(VC) among 616 bytes         ◀──            ENC(VC, select, PadD)
///   payload, as selected                  ◀─▶            payload, as selected
/// ```
/// A machine without I/O. Until ``isEstablished``, what comes is given to ``receive(_:hashes:)``; from then on the caller
/// gives what comes to ``decrypt(_:)`` and what it sends to ``encrypt(_:)``, both in place. After an error the connection
/// is to be closed.
///
/// Bounds: 512 bytes of ciphers; while it begins, at most 628 bytes of input are kept, and the initial payload.
/// It has no clock: the driver ends what takes too long.
public struct ObfuscatedConnection: ~Copyable {
    /// What is to be done after something was received.
    public struct Output: Equatable, Sendable {
        /// For the other side.
        public var send: [UInt8] = []
        /// Payload that came with the handshake's last bytes, in the clear.
        public var received: [UInt8] = []

        /// Nothing to send, nothing received.
        public init() {}
    }

    enum State: Equatable {
        case key
        /// Who was dialled seeks the end of PadA, and reads what follows.
        case mark
        case name
        case offer
        case offerPadding(Int)
        /// Who dialled seeks the end of PadB, and reads what follows.
        case verification
        case choice
        case choicePadding(Int)
        case established
        case failed
    }

    let isInitiator: Bool
    let methods: ObfuscationMethods
    private let exchange: KeyExchange768
    private let padding: [UInt8]
    /// PadC or PadD: zeros, as the specification wants them; only their number is random.
    let trailingPadding: Int
    var state = State.key
    /// Bytes that came and are not understood yet.
    var input: [UInt8] = []
    /// How far `input` has been searched for a mark.
    var searched = 0
    var secret: [UInt8] = []
    /// What the end of the padding looks like.
    var expectedMark: [UInt8] = []
    var offered = ObfuscationMethods()
    var initialPayload: [UInt8] = []
    var sending: RC4?
    var receiving: RC4?
    /// Bytes that are still encrypted for us; nil: all.
    var encryptedInput: Int?

    /// The hash that the connection is about; nil while somebody who dialled us has not said it.
    public internal(set) var hash: Digest160?
    /// Nil until established.
    public internal(set) var method: ObfuscationMethods?

    /// For a connection that we make, about `hash`.
    public init(dialling hash: Digest160, methods: ObfuscationMethods, random: inout some RandomNumberGenerator) {
        self.init(isInitiator: true, methods: methods, random: &random)
        self.hash = hash
    }

    /// For a connection that somebody made to us.
    public init(acceptingWith methods: ObfuscationMethods, random: inout some RandomNumberGenerator) {
        self.init(isInitiator: false, methods: methods, random: &random)
    }

    private init(isInitiator: Bool, methods: ObfuscationMethods, random: inout some RandomNumberGenerator) {
        let key = Self.bytes(ObfuscationSpecification.privateKeyByteCount, &random)
        let count = Int.random(in: 0...ObfuscationSpecification.maximumPadding, using: &random)
        self.init(
            isInitiator: isInitiator,
            methods: methods,
            privateKey: key,
            padding: Self.bytes(count, &random),
            trailingPadding: Int.random(in: 0...255, using: &random)
        )
    }

    /// With everything that is otherwise random.
    init(
        isInitiator: Bool,
        methods: ObfuscationMethods,
        privateKey: [UInt8],
        padding: [UInt8],
        trailingPadding: Int
    ) {
        self.isInitiator = isInitiator
        self.methods = methods
        self.padding = padding
        self.trailingPadding = trailingPadding
        exchange = KeyExchange768(privateKey: privateKey)
    }

    private static func bytes(_ count: Int, _ random: inout some RandomNumberGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }

    /// Both sides have shown that they know the infohash: payload flows.
    public var isEstablished: Bool { state == .established }

    // MARK: Beginning

    /// What who dialled sends first.
    public func opening() -> [UInt8] { isInitiator ? exchange.publicKey + padding : [] }

    /// Payload to go with the handshake, which saves a round trip: at most 65,535 bytes in all, before anything came. What
    /// blocks on an answer must not be in it.
    ///
    /// - Returns: whether it will go with it. If not, it has to be sent once the connection is established.
    public mutating func prepend(_ payload: [UInt8]) -> Bool {
        guard isInitiator, state == .key,
            initialPayload.count + payload.count <= ObfuscationSpecification.maximumInitialPayload
        else { return false }
        initialPayload += payload
        return true
    }

    /// Takes bytes of the handshake, in pieces of any size.
    ///
    /// `hashes`: finds the hash that an obfuscated name stands for, see ``ObfuscatedHashes``; asked once.
    public mutating func receive(
        _ bytes: some Collection<UInt8>,
        hashes: (Digest160) -> Digest160? = { _ in nil }
    ) throws(ObfuscationError) -> Output {
        var output = Output()
        guard state != .failed else { return output }
        input += bytes
        do throws(ObfuscationError) {
            while state != .established, try step(&output, hashes) {}
        } catch {
            state = .failed
            input = []
            throw error
        }
        if state == .established, !input.isEmpty {
            output.received = input
            input = []
            decrypt(&output.received)
        }
        return output
    }

    /// - Returns: whether there may be more to do.
    private mutating func step(
        _ output: inout Output,
        _ hashes: (Digest160) -> Digest160?
    ) throws(ObfuscationError) -> Bool {
        switch state {
        case .key: try agree(&output)
        case .mark: try seekMark(within: ObfuscationSpecification.maximumBeforeRequest, then: .name)
        case .name: try readName(hashes)
        case .offer: try readOffer()
        case .offerPadding(let count): try answer(count, &output)
        case .verification: try seekMark(within: ObfuscationSpecification.maximumBeforeVerification, then: .choice)
        case .choice: try readChoice()
        case .choicePadding(let count): skipPadding(count)
        case .established, .failed: false
        }
    }

    private mutating func agree(_ output: inout Output) throws(ObfuscationError) -> Bool {
        guard input.count >= ObfuscationSpecification.keyByteCount else { return false }
        guard let agreed = exchange.secret(with: input.prefix(ObfuscationSpecification.keyByteCount)) else {
            throw .unusableKey
        }
        secret = agreed
        searched = ObfuscationSpecification.keyByteCount
        if isInitiator {
            output.send += request()
            state = .verification
        } else {
            output.send += exchange.publicKey + padding
            expectedMark = ObfuscationSpecification.requestMark(secret).bytes
            state = .mark
        }
        return true
    }

    /// Finds `expectedMark` in the input and drops everything up to its end.
    private mutating func seekMark(within limit: Int, then next: State) throws(ObfuscationError) -> Bool {
        let length = expectedMark.count
        while searched + length <= min(input.count, limit) {
            if input[searched..<searched + length].elementsEqual(expectedMark) {
                input.removeFirst(searched + length)
                state = next
                return true
            }
            searched += 1
        }
        guard searched + length <= limit else { throw .noMark }
        return false
    }

    /// The first `count` bytes of the input, out of it; nil while there are fewer.
    mutating func take(_ count: Int) -> [UInt8]? {
        guard input.count >= count else { return nil }
        defer { input.removeFirst(count) }
        return Array(input.prefix(count))
    }

    mutating func takeDecrypted(_ count: Int) -> [UInt8]? {
        guard var bytes = take(count) else { return nil }
        receiving?.apply(to: &bytes)
        return bytes
    }

    /// Nothing else has to be remembered from here on.
    mutating func establish(_ chosen: ObfuscationMethods, encryptedInput count: Int) {
        method = chosen
        state = .established
        encryptedInput = chosen == .rc4 ? nil : count
        if chosen != .rc4 { sending = nil }
        secret = []
        initialPayload = []
    }

    // MARK: Payload

    /// Whether payload that we send has to go through ``encrypt(_:)``.
    public var encrypts: Bool { sending != nil }

    /// Encrypts, where the method asks for it, bytes that are sent next. Each byte goes through once, in order.
    public mutating func encrypt(_ bytes: UnsafeMutableRawBufferPointer) { unsafe sending?.apply(to: bytes) }
    /// The same for an array.
    public mutating func encrypt(_ bytes: inout [UInt8]) { sending?.apply(to: &bytes) }

    /// Whether payload that comes has to go through ``decrypt(_:)``.
    public var decrypts: Bool { encryptedInput != 0 }

    /// Decrypts, where the method asks for it, bytes that came next. Each byte goes through once, in order.
    public mutating func decrypt(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let left = encryptedInput else { return unsafe receiving?.apply(to: bytes) ?? () }
        let count = min(left, bytes.count)
        guard count > 0 else { return }
        encryptedInput = left - count
        unsafe receiving?.apply(to: UnsafeMutableRawBufferPointer(rebasing: bytes[..<count]))
    }

    /// The same for an array.
    public mutating func decrypt(_ bytes: inout [UInt8]) {
        // SAFETY: the array's own bytes, for the duration of the call.
        unsafe bytes.withUnsafeMutableBytes { unsafe decrypt($0) }
    }
}

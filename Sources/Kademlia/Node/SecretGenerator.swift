// SPDX-License-Identifier: Apache-2.0
internal import Keys
internal import Wire

/// A stream of unpredictable bits from one seed: SHA-256 over the seed and a counter.
///
/// Machines draw no randomness of their own; one seed from the driver makes all of a node's transaction numbers, token
/// secrets and targets, and in a simulation makes them repeat.
public struct SecretGenerator: RandomNumberGenerator, Sendable {
    private let seed: [UInt8]
    private var counter: UInt64 = 0
    private var buffer: [UInt64] = []

    /// - Parameter seed: 32 random bytes.
    public init(seed: [UInt8]) {
        self.seed = seed
    }

    /// The next eight bytes of the stream.
    public mutating func next() -> UInt64 {
        if let word = buffer.popLast() { return word }
        var input = seed
        input.append(bigEndian: counter)
        counter += 1
        var reader = ByteReader(Hash.sha256(input).bytes)
        while let word = reader.read(UInt64.self) { buffer.append(word) }
        return buffer.popLast() ?? 0
    }
}

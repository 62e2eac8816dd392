// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A parser or a machine that takes bytes from outside, and what must hold of it for all bytes.
///
/// No input may trap; besides, a target states properties (`hold`): what was written is read back the same, a strict
/// reader accepts no more than a tolerant one, two ways to the same answer agree.
public struct FuzzTarget: Sendable {
    /// As `make fuzz TARGET=…` names it.
    public let name: String
    /// Longer inputs are not tried: the least that reaches every branch keeps executions quick. Where a parser's own bound is within
    /// reach it is longer than that, and a sample goes beyond; that 64 KiB and more are too long is for the parsers' tests to say.
    public let maximumLength: Int
    /// Paths beneath `Tests/Vectors` whose files, and whose texts and hexadecimal strings where they are JSON, begin the corpus.
    public let vectors: [String]
    /// Valid inputs, made with our own encoders: what vectors cannot have because the shape is the target's own.
    public let samples: @Sendable () -> [[UInt8]]
    /// Throws ``Broken`` when a property does not hold.
    public let run: @Sendable ([UInt8]) throws -> Void

    public init(
        _ name: String,
        maximumLength: Int = 4096,
        vectors: [String] = [],
        samples: @escaping @Sendable () -> [[UInt8]] = { [] },
        run: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.name = name
        self.maximumLength = maximumLength
        self.vectors = vectors
        self.samples = samples
        self.run = run
    }

    /// Every target, by the layer of what it tries.
    public static let all: [FuzzTarget] = [
        wire, keys, torrents, peers, services, networks, feeds, files, edges, gateway,
    ].flatMap(\.self)
}

/// A property that an input showed not to hold.
public struct Broken: Error, CustomStringConvertible {
    public let description: String
}

/// States a property; `rule` is a sentence about what should have been.
func hold(_ condition: Bool, _ rule: @autoclosure () -> String) throws(Broken) {
    guard condition else { throw Broken(description: rule()) }
}

extension [UInt8] {
    /// The bytes as text; ill-formed UTF-8 is replaced, as text of the outside world is read elsewhere.
    var text: String { String(decoding: self, as: UTF8.self) }
}

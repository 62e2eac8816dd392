// SPDX-License-Identifier: Apache-2.0

/// The RC4 keystream (RFC 6229 has its vectors), for ``ObfuscatedConnection`` only: as a cipher it is broken.
///
/// 256 bytes of state. What is given to it is changed in place.
public struct RC4: ~Copyable, Sendable {
    private var state: InlineArray<256, UInt8>
    private var x: UInt8 = 0
    private var y: UInt8 = 0

    /// `key`: 1 to 256 bytes. `discarding`: how many bytes of keystream to throw away first.
    public init(key: [UInt8], discarding: Int = 0) {
        precondition((1...256).contains(key.count), "an RC4 key has 1 to 256 bytes")
        state = InlineArray { UInt8(truncatingIfNeeded: $0) }
        var mixed: UInt8 = 0
        for index in 0..<256 {
            mixed &+= state[index] &+ key[index % key.count]
            state.swapAt(index, Int(mixed))
        }
        var wasted = [UInt8](repeating: 0, count: discarding)
        apply(to: &wasted)
    }

    /// The same for an array.
    public mutating func apply(to bytes: inout [UInt8]) {
        // SAFETY: the array's own bytes, for the duration of the call.
        unsafe bytes.withUnsafeMutableBytes { unsafe apply(to: $0) }
    }

    /// The caller keeps the bytes alive, and to itself, for the call.
    public mutating func apply(to bytes: UnsafeMutableRawBufferPointer) {
        guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        let count = bytes.count
        var (i, j) = (x, y)
        var span = state.mutableSpan
        var index = 0
        while index < count {
            i &+= 1
            // SAFETY: an index of eight bits cannot leave 256 places; `index` stays below the count of `bytes`.
            let a = unsafe span[unchecked: Int(i)]
            j &+= a
            let b = unsafe span[unchecked: Int(j)]
            unsafe span[unchecked: Int(i)] = b
            unsafe span[unchecked: Int(j)] = a
            unsafe start[index] ^= span[unchecked: Int(a &+ b)]
            index &+= 1
        }
        (x, y) = (i, j)
    }
}

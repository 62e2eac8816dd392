// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Runs what computes for long on a thread of its own.
///
/// All tests share as many threads as there are cores. A test that computes for a minute holds one of them, and the
/// others, whose time limits go on, wait for it: beside a sanitizer on a busy machine for longer than those limits.
public func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: body()) }
        // As much as a main thread has.
        thread.stackSize = 8 << 20
        thread.start()
    }
}

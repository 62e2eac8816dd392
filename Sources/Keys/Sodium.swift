// SPDX-License-Identifier: Apache-2.0
internal import CSodium

/// libsodium's start: it picks the fastest code for this processor, once in a process.
enum Sodium {
    private static let isReady = sodium_init() >= 0

    /// To be called before any other function of libsodium; costs an atomic load after the first time.
    static func start() {
        precondition(isReady, "libsodium could not start")
    }
}

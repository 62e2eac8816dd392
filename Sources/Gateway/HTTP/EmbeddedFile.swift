// SPDX-License-Identifier: Apache-2.0

/// Files of `Resources`, which the build puts into the program.
enum EmbeddedFile {
    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

// SPDX-License-Identifier: Apache-2.0

/// The vectors of one subject, and how each of its files goes through the product's code.
struct ConformanceTopic: Sendable {
    typealias Check = @Sendable (VectorFolder, inout ConformanceResult) throws -> Void

    /// The name of its folder.
    let name: String
    /// By file name, relative to the folder.
    let checks: [(file: String, check: Check)]
    /// Files that a check reads beside its own.
    var companions: @Sendable (String) -> Bool = { _ in false }

    /// All that this program knows.
    static let all: [ConformanceTopic] = [
        .bencode, .krpc, .bep42, .bep44, .bep46, .bep52, .torrents, .ed25519, .x25519, .multiformats, .quicVarint,
        .cbor, .hkdf, .aead,
    ]

    func run(in folder: VectorFolder, files: [String]) -> ConformanceResult {
        var result = ConformanceResult(topic: name)
        for (file, check) in checks {
            guard files.contains(file) else {
                result.skip(file, because: "not there")
                continue
            }
            do {
                try check(folder, &result)
            } catch {
                result.check(file, false, "cannot be used: \(error)")
            }
        }
        for file in files where !checks.contains(where: { $0.file == file }) && !companions(file) {
            result.skip(file, because: "no reader for this file")
        }
        return result
    }
}

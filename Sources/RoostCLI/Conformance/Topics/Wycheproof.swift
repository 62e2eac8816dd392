// SPDX-License-Identifier: Apache-2.0

/// The frame that the files of Wycheproof share.
struct Wycheproof<Test: Decodable>: Decodable {
    struct Group: Decodable {
        struct Key: Decodable {
            var pk: String
        }
        var tests: [Test]
        var publicKey: Key?
        var ivSize: Int?
    }
    var testGroups: [Group]
}

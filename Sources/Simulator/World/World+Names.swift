// SPDX-License-Identifier: Apache-2.0

extension World {
    /// Bytes of one message that are looked at: names stand in what introduces somebody, not in content.
    private static let inspectedBytes = 4096
    /// What every user's name begins with here, so that it is found fast.
    private static let mark: [UInt8] = Array("Zy".utf8)

    /// Gives every host a user with a name of its own; ``inspect(_:from:)`` sees to it that nobody hears of it.
    func nameUsers() {
        for host in hosts {
            var random = stream("user", host.index)
            host.userName = Self.mark + (0..<10).map { _ in UInt8(97 + random.below(26)) }
        }
        namesUsers = true
    }

    /// Whether bytes have any user's name in them.
    func hasName(_ bytes: [UInt8]) -> Bool {
        let (first, second) = (Self.mark[0], Self.mark[1])
        let end = min(bytes.count, Self.inspectedBytes) - 1
        var index = 0
        while index < end {
            if bytes[index] == first, bytes[index + 1] == second {
                let found = bytes[index...]
                if hosts.contains(where: { !$0.userName.isEmpty && found.starts(with: $0.userName) }) { return true }
            }
            index += 1
        }
        return false
    }

    /// Every message on its way to others.
    func inspect(_ bytes: [UInt8], from host: Host) {
        guard namesUsers, hasName(bytes) else { return }
        violate(.noNames, "\(bytes.count) bytes to a peer have a user's name in them", host: host)
    }
}

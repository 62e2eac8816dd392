// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB

extension MetadataConnection {
    /// The rules that this user has made, as opposed to those that lists bring.
    public func denyRules() throws -> [AdmissionRule] {
        try rows("SELECT list, kind, value, reason FROM denyRule ORDER BY list, kind, value") { row in
            guard
                let subject = AdmissionRule.Subject(
                    kind: try Self.text(row, "kind"),
                    value: try Self.text(row, "value")
                )
            else { throw MetadataError.invalidValue(table: "denyRule") }
            return AdmissionRule(
                list: try Self.text(row, "list"),
                subject: subject,
                reason: try Self.text(row, "reason")
            )
        }
    }

    /// Keeps a rule; one of the same list and subject is replaced. `addedAt` is in seconds since 1970.
    public func save(_ rule: AdmissionRule, addedAt: Int64) throws {
        try execute(
            "INSERT OR REPLACE INTO denyRule (list, kind, value, reason, addedAt) VALUES (?, ?, ?, ?, ?)",
            [rule.list, rule.subject.kind, rule.subject.value, rule.reason, addedAt]
        )
    }

    /// Forgets a rule; its reason does not matter, and one that is not there is fine.
    public func removeDenyRule(_ rule: AdmissionRule) throws {
        try execute(
            "DELETE FROM denyRule WHERE list = ? AND kind = ? AND value = ?",
            [rule.list, rule.subject.kind, rule.subject.value]
        )
    }
}

extension Home {
    /// The deny lists that lie in the home, by file name.
    public func readDenyLists() throws(StorageError) -> [DenyList] {
        var lists: [DenyList] = []
        for file in try Disk.names(in: denyLists) where file.hasSuffix(DenyList.fileSuffix) {
            let text = try Disk.read("\(denyLists)/\(file)", limit: DenyList.maximumBytes)
            lists.append(DenyList(name: String(file.dropLast(DenyList.fileSuffix.count)), text: text))
        }
        return lists
    }
}

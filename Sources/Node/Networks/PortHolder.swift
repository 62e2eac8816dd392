// SPDX-License-Identifier: Apache-2.0
internal import Foundation

/// Which process has a port of this machine, as far as Linux tells this user.
public enum PortHolder {
    /// What takes the port away from others: a listener of TCP, any socket of UDP.
    private static let tables = [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")]

    /// For example `transmission-da (process 812)`; words that fit after "taken by" also where the holder belongs to
    /// another user or is gone already.
    public static func words(port: Int) -> String { describe(port: port) ?? "a program of another user" }

    private static func describe(port: Int) -> String? {
        let sockets = Set(tables.flatMap { owners(in: "/proc/net/" + $0.0, port: port, state: $0.1) })
        guard !sockets.isEmpty else { return nil }
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in processes.compactMap({ Int32($0) }).sorted() where holds(process, anyOf: sockets) {
            let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
            let word = name.trimmingCharacters(in: .whitespacesAndNewlines)
            return "\(word.isEmpty ? "a program" : word) (process \(process))"
        }
        return nil
    }

    /// Inodes of the sockets in `state` on `port`: columns 1, 3 and 9 of the tables in proc(5), `/proc/net/tcp` and its kin.
    private static func owners(in file: String, port: Int, state: String) -> [String] {
        // A file of /proc has no length, and `String(contentsOfFile:)` stops after its first page.
        guard let bytes = try? FileHandle(forReadingAtPath: file)?.readToEnd() else { return [] }
        let table = String(decoding: bytes, as: UTF8.self)
        return table.split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: " ")
            guard columns.count > 9, columns[3] == state, let colon = columns[1].lastIndex(of: ":"),
                Int(columns[1][columns[1].index(after: colon)...], radix: 16) == port
            else { return nil }
            return "socket:[\(columns[9])]"
        }
    }

    private static func holds(_ process: Int32, anyOf sockets: Set<String>) -> Bool {
        let folder = "/proc/\(process)/fd"
        return entries(of: folder).contains { descriptor in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(descriptor)")
            return target.map(sockets.contains) ?? false
        }
    }

    /// A process that opens and closes files while its folder is read makes the reading fail: it is tried again.
    private static func entries(of folder: String) -> [String] {
        for _ in 0..<5 {
            if let entries = try? FileManager.default.contentsOfDirectory(atPath: folder) { return entries }
        }
        return []
    }
}

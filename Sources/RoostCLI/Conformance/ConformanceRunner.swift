// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node

/// Walks a folder of topics and runs each that is known.
enum ConformanceRunner {
    static func run(_ root: URL) throws -> ConformanceReport {
        var isDirectory: ObjCBool = false
        // SAFETY: the flag lives for the call.
        guard unsafe FileManager.default.fileExists(atPath: root.path, isDirectory: &isDirectory), isDirectory.boolValue
        else {
            throw NodeError(.noInput, "\(root.path) is no folder", remedy: "Name a folder with one folder a topic.")
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: root.path).sorted()
        var results: [ConformanceResult] = []
        for name in names {
            let folder = root.appending(path: name)
            let files = dataFiles(in: folder)
            guard !files.isEmpty else { continue }
            if let topic = ConformanceTopic.all.first(where: { $0.name == name }) {
                results.append(topic.run(in: VectorFolder(url: folder), files: files))
            } else {
                var result = ConformanceResult(topic: name)
                result.skip(name, files.count, because: "a topic of what this version has not")
                results.append(result)
            }
        }
        return ConformanceReport(results)
    }

    /// Paths relative to `folder`, descriptions left out.
    private static func dataFiles(in folder: URL) -> [String] {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        return paths.filter { path in
            let name = path.split(separator: "/").last ?? ""
            guard !name.hasPrefix("."), !name.hasSuffix(".md"), !name.hasSuffix(".py") else { return false }
            return !folder.appending(path: path).hasDirectoryPath && !isDirectory(folder.appending(path: path))
        }
        .sorted()
    }

    private static func isDirectory(_ url: URL) -> Bool {
        (try? url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory) ?? false
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node
internal import Storage

/// `config.toml` in the home.
struct ConfigurationFile {
    private let home: Home

    init(_ directory: URL) {
        home = Home(path: directory.path)
    }

    /// Its text; empty where there is none.
    func read() throws(NodeError) -> String {
        do throws(StorageError) {
            return String(decoding: try home.read(home.configuration), as: UTF8.self)
        } catch .notFound {
            return ""
        } catch {
            throw NodeError(error)
        }
    }

    func write(_ text: String) throws(NodeError) {
        do throws(StorageError) {
            try home.prepare()
            try home.write(Array(text.utf8), to: home.configuration)
        } catch {
            throw NodeError(error)
        }
    }
}

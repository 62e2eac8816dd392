// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Node

/// Tells the process that started us in the background that we are ready, or why we are not.
struct ReadySignal {
    let descriptor: Int32?

    func ready() {
        write("ready\n")
    }

    func failed(_ error: any Error) {
        guard let error = error as? NodeError else { return }
        write(Output.json(["error": error]))
    }

    private func write(_ text: String) {
        guard let descriptor else { return }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        // A starter that has gone needs no word.
        try? handle.write(contentsOf: Data(text.utf8))
        try? handle.close()
    }
}

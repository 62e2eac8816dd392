// SPDX-License-Identifier: Apache-2.0
internal import CLibFuzzer
internal import FuzzTargets
internal import Glibc

/// One fuzzer for all targets: FUZZ_TARGET chooses, the arguments are libFuzzer's own.
///
///     roost-fuzz --list            a line per target: name, longest input, its vectors
///     roost-fuzz --samples FOLDER  writes the chosen target's samples there
@main
enum RoostFuzz {
    /// Set once before the fuzzer runs; the callback is a C function and can capture nothing.
    // SAFETY: written in `main` before the fuzzer starts, read by its single thread.
    nonisolated(unsafe) static var chosen: FuzzTarget?

    static func main() {
        let arguments = CommandLine.arguments
        if arguments.dropFirst().first == "--list" { return list() }
        let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
        unsafe chosen = FuzzTarget.all.first { $0.name == name }
        guard let target = unsafe chosen else { return fail("FUZZ_TARGET names no target: '\(name)'") }
        if arguments.count == 3, arguments[1] == "--samples" { return write(target.samples(), to: arguments[2]) }
        var count = CommandLine.argc
        var values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv
        // SAFETY: both live until the call ends; libFuzzer may replace what they point at.
        exit(unsafe LLVMFuzzerRunDriver(&count, &values) { unsafe RoostFuzz.execute($0, $1) })
    }

    private static func execute(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
        // SAFETY: libFuzzer gives `size` readable bytes at `data` for the time of the call.
        let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
        do {
            try unsafe chosen?.run(bytes)
        } catch {
            print("BROKEN: \(error)")
            fflush(nil)
            abort()
        }
        return 0
    }

    private static func list() {
        for target in FuzzTarget.all {
            print(([target.name, String(target.maximumLength)] + target.vectors).joined(separator: "\t"))
        }
    }

    private static func write(_ samples: [[UInt8]], to folder: String) {
        for (number, sample) in samples.enumerated() {
            guard let file = unsafe fopen("\(folder)/sample-\(number)", "wb") else {
                return fail("cannot write to \(folder)")
            }
            // SAFETY: the buffer is alive for the call and as long as its count says.
            _ = unsafe sample.withUnsafeBufferPointer { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
            unsafe fclose(file)
        }
    }

    private static func fail(_ message: String) {
        let line = "roost-fuzz: \(message)\n"
        // SAFETY: the bytes live for the call.
        _ = unsafe line.utf8CString.withUnsafeBufferPointer { unsafe Glibc.write(2, $0.baseAddress, $0.count - 1) }
        exit(2)
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// Bytes at whose end the memory ends: whoever reads or writes past them ends the process, whatever it was compiled with.
// SAFETY: `start` has the bytes until `free()` is called.
@unsafe
struct GuardedPage {
    private let region: UnsafeMutableRawPointer
    private let length: Int
    let start: UnsafeMutableRawPointer

    init(_ bytes: [UInt8]) {
        let page = 4096
        let room = (bytes.count + page - 1) / page * page
        unsafe length = room + page
        guard let region = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe mprotect(region + room, page, PROT_NONE) == 0
        else { preconditionFailure("there is memory for a page") }
        unsafe self.region = region
        unsafe start = region + (room - bytes.count)
        unsafe start.copyMemory(from: bytes, byteCount: bytes.count)
    }

    func free() { unsafe munmap(region, length) }
}

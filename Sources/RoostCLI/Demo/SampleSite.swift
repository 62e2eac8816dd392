// SPDX-License-Identifier: Apache-2.0
internal import CSampleSite

/// The site that `roost demo` publishes: `Samples/site`, built into the program, about 350 KB.
enum SampleSite {
    /// One file of the site.
    struct File {
        /// Relative, with `/` between components; sorted by bytes over the site.
        let path: String
        let bytes: [UInt8]
    }

    /// Every file of the site.
    static func files() -> [File] {
        (0..<roost_sample_count()).map { index in
            // SAFETY: the table and the bytes that it points at are constants of the program and live as long as it;
            // `index` is below the count that the table states.
            let file = unsafe roost_sample_file_at(index)
            return unsafe File(
                path: String(cString: file.path),
                bytes: Array(UnsafeBufferPointer(start: file.bytes, count: file.length))
            )
        }
    }
}

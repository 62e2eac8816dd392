// SPDX-License-Identifier: Apache-2.0
internal import BitTorrent
internal import Dispatch
internal import Foundation
internal import Node
internal import Synchronization

/// Reads the files of a listing once, with all cores, and hashes them.
struct SourceHasher {
    private struct State {
        var next = 0
        var assembler: HashAssembler
        var done: Int64 = 0
        var failure: String?
    }

    let listing: SourceListing
    let plan: HashPlan

    /// `progress`: told the bytes read, from any thread.
    func run(progress: @Sendable (Int64) -> Void) throws -> TreeHashes {
        let state = Mutex(State(assembler: HashAssembler(plan)))
        let threads = max(1, min(ProcessInfo.processInfo.activeProcessorCount, plan.jobCount))
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while let job = Self.nextJob(state, plan.jobCount) {
                let result = hash(job, &buffer)
                let done = state.withLock { state in
                    guard case .success(let (result, bytes)) = result else {
                        if case .failure(let failure) = result { state.failure = failure.path }
                        return state.done
                    }
                    state.assembler.add(result)
                    state.done += bytes
                    return state.done
                }
                progress(done)
            }
        }
        let (failure, hashes) = state.withLock { state in
            let assembler = state.assembler
            return (state.failure, assembler.finish())
        }
        guard failure == nil, let hashes else {
            throw NodeError(
                .inputOutput,
                "\(failure ?? listing.name) could not be read, or changed while it was",
                remedy: "Try again while nothing writes to it."
            )
        }
        return hashes
    }

    private struct Unreadable: Error { var path: String }

    private static func nextJob(_ state: borrowing Mutex<State>, _ count: Int) -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.next < count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func hash(_ job: Int, _ buffer: inout [UInt8]) -> Result<(HashJobResult, Int64), Unreadable> {
        var runner = plan.runner(forJob: job)
        var total: Int64 = 0
        for segment in runner.segments where !segment.isPadding {
            let path = listing.files[segment.file].location
            guard read(path, segment, &buffer, into: &runner) else { return .failure(Unreadable(path: path)) }
            total += Int64(segment.length)
        }
        guard let result = runner.finish() else { return .failure(Unreadable(path: listing.name)) }
        return .success((result, total))
    }

    private func read(
        _ path: String,
        _ segment: FileSegment,
        _ buffer: inout [UInt8],
        into runner: inout HashJobRunner
    ) -> Bool {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { _ = Foundation.close(file) }
        var done = 0
        while done < segment.length {
            let wanted = min(buffer.count, segment.length - done)
            // SAFETY: the buffer has at least `wanted` bytes and lives during the call.
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe pread(file, $0.baseAddress, wanted, off_t(segment.offset) + off_t(done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            // SAFETY: the span does not outlive the call, which holds the buffer.
            unsafe runner.update(buffer.span.bytes.extracting(0..<count))
            done += count
        }
        return true
    }
}

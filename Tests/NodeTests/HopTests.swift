// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Testing

/// Decision 0029: what the compiler must keep, and in Swift 6.3.1 keeps only with a flag of `Package.swift`.
@Suite("After a wait an actor goes on where it was")
struct HopTests {
    private let place = Place()
    private let other = Elsewhere()

    @Test("an actor's method threw")
    func actor() async {
        #expect(await place.isBackFromActor(other))
    }

    @Test("a continuation failed")
    func continuation() async {
        #expect(await place.isBackFromContinuation())
    }

    @Test("a closure that it was given threw")
    func closure() async {
        let isBack = await place.isBack { [other] in try await other.fail() }
        #expect(isBack)
    }

    @Test("a function waited for a closure that it was given")
    func given() async {
        #expect(await place.isBackFromGiven(other))
    }

    @Test("what was waited for threw itself, after a wait of its own")
    func own() async {
        #expect(await place.isBackFromOwn(other))
    }
}

private struct Failure: Error {}

private actor Elsewhere {
    private var count = 0

    func work() { count += 1 }

    func fail() throws {
        count += 1
        throw Failure()
    }
}

/// Functions of no actor, which by the language run on their caller's and return to it.
private enum Waits {
    static func actor(_ other: Elsewhere) async throws { try await other.fail() }

    static func continuation() async throws {
        try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
            DispatchQueue.global().async { waiter.resume(throwing: Failure()) }
        }
    }

    @inline(never)
    static func given(_ body: () async -> Void) async { await body() }

    static func own(_ other: Elsewhere) async throws {
        await other.work()
        throw Failure()
    }
}

/// An actor whose executor can be asked whether this is it.
private actor Place {
    private let executor = QueueExecutor()
    private var count = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func isBack(after wait: () async throws -> Void) async -> Bool {
        try? await wait()
        return isHere
    }

    func isBackFromActor(_ other: Elsewhere) async -> Bool {
        try? await Waits.actor(other)
        return isHere
    }

    func isBackFromContinuation() async -> Bool {
        try? await Waits.continuation()
        return isHere
    }

    func isBackFromGiven(_ other: Elsewhere) async -> Bool {
        await Waits.given { await other.work() }
        return isHere
    }

    func isBackFromOwn(_ other: Elsewhere) async -> Bool {
        try? await Waits.own(other)
        return isHere
    }

    /// Touches what is the actor's, so that it must be there.
    private var isHere: Bool {
        count += 1
        return executor.isHere
    }
}

private final class QueueExecutor: SerialExecutor {
    private static let key = DispatchSpecificKey<ObjectIdentifier>()
    private let queue = DispatchQueue(label: "place")

    init() { queue.setSpecific(key: Self.key, value: ObjectIdentifier(self)) }

    var isHere: Bool { DispatchQueue.getSpecific(key: Self.key) == ObjectIdentifier(self) }

    func enqueue(_ job: UnownedJob) {
        let executor = unsafe asUnownedSerialExecutor()
        queue.async { unsafe job.runSynchronously(on: executor) }
    }
}

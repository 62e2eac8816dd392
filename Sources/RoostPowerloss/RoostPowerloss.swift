// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Storage

/// The program `roost-powerloss`: what a crash, a power failure, a full or a lying disk leaves of the product's stores.
@main
struct RoostPowerloss: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roost-powerloss",
        abstract:
            "Records a publish, a fetch, a pin, an eviction or a compaction of the product's own, and starts it in every "
            + "state that a crash may leave of it.",
        discussion: "Exit status 1: a state broke a promise."
    )

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case publish, fetch, keep, packs

        var trial: any Trial.Type {
            switch self {
            case .publish: PublishTrial.self
            case .fetch: FetchTrial.self
            case .keep: KeepTrial.self
            case .packs: PacksTrial.self
            }
        }
    }

    @Argument(help: "What is recorded: \(Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
    var kind: Kind

    @Flag(help: "Instead of crashes, a disk that is full from each change on.")
    var full = false

    @Flag(help: "Instead of crashes, a disk that says it has synced from some write on, and has not (publish, fetch).")
    var lying = false

    @Option(help: "Of what is on the disk by chance.")
    var seed: UInt64 = 1

    @Option(help: "States by chance after each change, beside the four that are always looked at.")
    var chances = 3

    @Option(help: "Looks at every so manyth state.")
    var every = 1

    @Option(help: "Plants a known defect in the product's storage: early-acknowledgement, early-commit, early-removal.")
    var defect: String?

    @Option(help: "A folder for the states that fail.")
    var keep: String?

    @Flag(help: "Ends at the first state that fails.")
    var first = false

    @Flag(help: "Prints every change that was recorded.")
    var changes = false

    func validate() throws {
        if every < 1 || chances < 0 { throw ValidationError("--every and --chances count.") }
        if lying, full || !(kind.trial is any LyingTrial.Type) {
            throw ValidationError("--lying is for publish and fetch, without --full.")
        }
        if let defect, StorageDefect(rawValue: defect) == nil {
            throw ValidationError("There is no defect '\(defect)'.")
        }
    }

    func run() async throws {
        StorageDefect.current = defect.flatMap { StorageDefect(rawValue: $0) }
        let began = ContinuousClock.now
        let outcome = try await look()
        print(
            "\(kind.rawValue): \(outcome.changes) changes, \(outcome.states) states, \(outcome.looked) looked at, \(outcome.failed) failed"
        )
        for (what, count) in outcome.moved.sorted(by: { $0.key < $1.key }) {
            print("    \(count) after \(what) had been mended or moved away, as the node had asked for")
        }
        let seconds = began.duration(to: .now) / .seconds(1)
        FileHandle.standardError.write(Data("cost: \(String(format: "%.1f", seconds)) s\n".utf8))
        if outcome.looked == 0 { throw Failure("no state was looked at: give --every a smaller number") }
        if outcome.failed > 0 { throw ExitCode.failure }
    }

    private func look() async throws -> Outcome {
        if full { return try await FullDiskRun(seed: seed, every: every).run(kind.trial) }
        if lying, let trial = kind.trial as? any LyingTrial.Type {
            let run = LyingRun(seed: seed, every: every, keep: keep, stopsAtFirst: first, prints: changes)
            return try await run.run(trial)
        }
        let run = CrashRun(
            seed: seed,
            chances: chances,
            every: every,
            keep: keep,
            stopsAtFirst: first,
            prints: changes
        )
        return try await run.run(kind.trial)
    }
}

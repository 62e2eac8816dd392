// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// `make fuzz` sets it: our own modules then count edges for libFuzzer and check addresses, and the fuzzer is a product.
let isFuzzing = Context.environment["ROOST_FUZZ"] == "1"
let coverage = "-sanitize-coverage=edge,trace-cmp,indirect-calls,inline-8bit-counters,pc-table"
let fuzzSettings: [SwiftSetting] =
    isFuzzing ? [.unsafeFlags(["-enable-testing", "-sanitize=address", coverage])] : []

// The product that other packages may depend on, which no package can whose targets have flags of their own. Nothing in it waits.
let core = ["Wire", "Keys", "BitTorrent", "Kademlia", "Feeds"]

// Where code waits: Swift 6.3.1 takes out a hop that brings a function which throws back to its caller's actor.
// docs/decisions/0029-every-hop-stays.md
let hops: SwiftSetting = .unsafeFlags(["-Xllvm", "-sil-disable-pass=optimize-hop-to-executor"])

let coreSettings: [SwiftSetting] =
    fuzzSettings + [
        .treatAllWarnings(as: .error),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]

let settings = coreSettings + [hops]

// The CI sets it: what decides and computes is optimised in its debug build, where tests and simulator spend most of their time.
// Assertions stay. docs/decisions/0030-the-ci-optimises-what-computes.md
let computing = core + ["Swarm", "Simulator"]
let optimised: [SwiftSetting] =
    Context.environment["ROOST_OPTIMISED"] == "1"
    ? [
        .unsafeFlags(
            ["-O", "-whole-module-optimization", "-num-threads", "2", "-assert-config", "Debug"],
            .when(configuration: .debug)
        )
    ] : []

// Third-party products, by the one package that each comes from.
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let ordered = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func library(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        resources: resources,
        swiftSettings: (core.contains(name) ? coreSettings : settings) + (computing.contains(name) ? optimised : [])
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name + "Tests", dependencies: ["TestSupport"] + dependencies, swiftSettings: settings)
}

// What the fuzz targets call, in the fuzzer and in the tests that run them over samples and old crashes.
let fuzzed: [Target.Dependency] = [
    "Wire", "Keys", "BitTorrent", "Kademlia", "Feeds", "Transport", "Storage", "Swarm", "Node", "Gateway", "CMiniupnpc",
    hummingbird, nioCore, nioEmbedded, nioHTTP1,
]

let fuzzing: [Target] =
    isFuzzing
    ? [
        .systemLibrary(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
        .target(name: "FuzzTargets", dependencies: fuzzed, path: "Fuzz/Targets", swiftSettings: settings),
        .executableTarget(
            name: "RoostFuzz",
            dependencies: ["FuzzTargets", "CLibFuzzer"],
            path: "Fuzz/Driver",
            swiftSettings: settings,
            linkerSettings: [
                .unsafeFlags(["-sanitize=address", Context.environment["ROOST_LIBFUZZER"] ?? "", "-lstdc++", "-lm"])
            ]
        ),
    ]
    : [
        .testTarget(
            name: "FuzzTests",
            dependencies: fuzzed + ["TestSupport"],
            path: "Fuzz",
            exclude: ["CLibFuzzer", "Dictionaries", "Driver", "LEDGER.md", "README.md", "Regressions", "run.py"],
            sources: ["Targets", "Tests"],
            swiftSettings: settings
        )
    ]

let package = Package(
    name: "roost",
    products: [
        .executable(name: "roost", targets: ["RoostCLI"]),
        .executable(name: "roost-sim", targets: ["RoostSim"]),
        .executable(name: "roost-bench", targets: ["RoostBench"]),
        .executable(name: "roost-powerloss", targets: ["RoostPowerloss"]),
        .library(name: "RoostCore", targets: core),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    ],
    targets: [
        // C: system library maps, thin shims without logic, and hashes in the processor's own instructions.
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CMiniupnpc", pkgConfig: "miniupnpc", providers: [.apt(["libminiupnpc-dev"])]),
        .target(name: "CLinux"),
        .target(name: "CHashing"),
        .target(name: "CSampleSite"),
        .target(name: "CAllocations"),
        .target(name: "CDiskLog"),
        // Layers 0 and 1.
        library("Wire", []),
        library("Keys", ["Wire", "CSodium", "CHashing", crypto]),
        // Layer 2: protocols as machines, without I/O.
        library("BitTorrent", ["Wire", "Keys", deque]),
        library("Kademlia", ["Wire", "Keys", heap, ordered]),
        library("Feeds", ["Wire", "Keys"]),
        // Layer 3: a world of machines without sockets; sockets and disk.
        library("Simulator", ["Wire", "Keys", "BitTorrent", "Kademlia", "Feeds"]),
        .executableTarget(name: "RoostSim", dependencies: ["Simulator", arguments], swiftSettings: settings),
        // Micro-benchmarks, which count allocations: a program of its own, since it stands before malloc.
        .executableTarget(
            name: "RoostBench",
            dependencies: ["Wire", "BitTorrent", "Kademlia", "CAllocations", arguments],
            swiftSettings: settings
        ),
        library(
            "Transport",
            [
                "Wire", "Keys", "BitTorrent", "Kademlia", "CLinux", "CMiniupnpc", deque, nioCore, nioPosix, nioHTTP1,
                nioSSL, logging,
            ]
        ),
        library("Storage", ["Wire", "Keys", "BitTorrent", "Feeds", "CLinux", grdb, logging]),
        // Layers 4 to 6.
        library(
            "Swarm",
            [
                "Wire", "Keys", "BitTorrent", "Kademlia", "Feeds", "Transport", "Storage", "CLinux", nioCore, nioPosix,
                logging,
            ]
        ),
        library(
            "Node",
            [
                "Wire", "Keys", "BitTorrent", "Kademlia", "Feeds", "Transport", "Storage", "Swarm", nioCore, nioPosix,
                lifecycle, logging,
            ]
        ),
        library(
            "Gateway",
            ["Wire", "Keys", "Node", hummingbird, nioCore, nioPosix, nioHTTP1, lifecycle, logging],
            resources: [.embedInCode("Resources")]
        ),
        .executableTarget(
            name: "RoostCLI",
            dependencies: [
                "Wire", "Keys", "BitTorrent", "Kademlia", "Feeds", "Transport", "Storage", "Swarm", "Node", "Gateway",
                "CLinux", "CSampleSite", nioCore, nioPosix, nioHTTP1, lifecycle, logging, arguments,
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "RoostPowerloss",
            dependencies: ["CDiskLog", "Simulator", "Wire", "Keys", "Feeds", "Storage", "Node", logging, arguments],
            swiftSettings: settings
        ),
        // Tests.
        .target(name: "TestSupport", dependencies: ["Wire"], path: "Tests/TestSupport", swiftSettings: settings),
        tests("Wire", ["Wire"]),
        tests("Keys", ["Wire", "Keys"]),
        tests("BitTorrent", ["Wire", "Keys", "BitTorrent"]),
        tests("Kademlia", ["Wire", "Keys", "Kademlia", heap, ordered]),
        tests("Feeds", ["Wire", "Keys", "Feeds"]),
        tests("Storage", ["Wire", "Keys", "BitTorrent", "Feeds", "Storage", grdb]),
        tests(
            "Transport",
            ["Wire", "BitTorrent", "Transport", nioCore, nioPosix, nioHTTP1, nioSSL]
        ),
        tests(
            "Swarm",
            [
                "Wire", "Keys", "BitTorrent", "Kademlia", "Feeds", "Transport", "Storage", "Swarm", nioEmbedded,
                nioCore, nioPosix, logging,
            ]
        ),
        tests(
            "Node",
            [
                "Wire", "Keys", "BitTorrent", "Kademlia", "Feeds", "Transport", "Storage", "Swarm", "Node", nioCore,
                nioPosix, logging,
            ]
        ),
        tests("Simulator", ["Wire", "Keys", "BitTorrent", "Kademlia", "Feeds", "Simulator", "RoostSim"]),
        tests("RoostCLI", ["Wire", "Node", "RoostCLI", nioCore, nioHTTP1, nioPosix]),
        tests(
            "Gateway",
            ["Wire", "Keys", "Node", "Gateway", nioCore, nioHTTP1, nioPosix, lifecycle, logging]
        ),
    ] + fuzzing,
    swiftLanguageModes: [.v6]
)

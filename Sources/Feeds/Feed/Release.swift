// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One immutable version of a site: an entry of its feed that names a Tree.
public struct Release: Equatable, Sendable {
    /// The number of the release, from 1 upwards; later releases have higher numbers.
    public var seq: Int64
    /// A person's name for it, such as `1.2.3`; see ``ReleaseLabel``.
    public var label: String
    /// The infohash of the v2 torrent.
    public var v2: Digest256
    /// The infohash of the v1 twin; nil where the publisher made none.
    public var v1: Digest160?
    /// The hash of the directory's root node.
    public var directory: Digest256
    /// Of both torrents, in bytes: a power of two of at least 16 KiB.
    public var pieceLength: Int
    /// How many pieces the v2 torrent has.
    public var pieces: Int
    /// How many files there are, at most ``FeedSpecification/files``.
    public var files: Int
    /// The bytes of all files together.
    public var bytes: Int64
    /// Seconds since 1970 as the publisher's clock had it: a claim, shown and never relied on.
    public var time: Int64
    /// What the publisher says of it; at most ``FeedSpecification/messageBytes`` bytes, written for people.
    public var message: String
    /// Trackers that know its torrents, and web servers that have its files (BEP 19): at most
    /// ``FeedSpecification/sources`` URLs of each.
    public var trackers: [String]
    /// Servers that have the files of the twin torrents (BEP 19).
    public var webSeeds: [String]

    /// Nothing is checked here: the feed refuses what lies outside its bounds.
    public init(
        seq: Int64,
        label: String,
        v2: Digest256,
        v1: Digest160?,
        directory: Digest256,
        pieceLength: Int,
        pieces: Int,
        files: Int,
        bytes: Int64,
        time: Int64,
        message: String = "",
        trackers: [String] = [],
        webSeeds: [String] = []
    ) {
        self.trackers = trackers
        self.webSeeds = webSeeds
        self.seq = seq
        self.label = label
        self.v2 = v2
        self.v1 = v1
        self.directory = directory
        self.pieceLength = pieceLength
        self.pieces = pieces
        self.files = files
        self.bytes = bytes
        self.time = time
        self.message = message
    }
}

extension Release {
    static let fields: Set<String> = [
        "bytes", "dir", "files", "label", "message", "piece", "pieces", "seq", "time", "trackers", "v1", "v2",
        "webseeds",
    ]

    init(_ reader: FieldReader) throws(FeedError) {
        let label = try reader.text("label", limit: ReleaseLabel.maximumLength)
        guard ReleaseLabel.isValid(label) else { throw .invalid(field: "label") }
        self.init(
            seq: try reader.integer("seq", in: 1...Int64.max),
            label: label,
            v2: try reader.fixed("v2"),
            v1: try reader.fixedIfPresent("v1"),
            directory: try reader.fixed("dir"),
            pieceLength: try reader.count("piece", upTo: FeedSpecification.pieceLength),
            pieces: try reader.count("pieces", upTo: Int(Int32.max)),
            files: try reader.count("files", upTo: FeedSpecification.files),
            bytes: try reader.integer("bytes", in: 0...FeedSpecification.releaseBytes),
            time: try reader.integer("time", in: 0...Int64.max),
            message: try reader.text("message", limit: FeedSpecification.messageBytes),
            trackers: reader.urls("trackers"),
            webSeeds: reader.urls("webseeds")
        )
        guard pieceLength >= 16_384, pieceLength.nonzeroBitCount == 1 else { throw .invalid(field: "piece") }
        // In a v2 torrent every file starts a piece of its own.
        let fewest = (bytes + Int64(pieceLength) - 1) / Int64(pieceLength)
        guard Int64(pieces) >= fewest, Int64(pieces) <= fewest + Int64(files) else { throw .invalid(field: "pieces") }
    }

    var encodedFields: [(CBOR, CBOR)] {
        var fields: [(CBOR, CBOR)] = [
            ("bytes", .integer(bytes)), ("dir", .bytes(directory)), ("files", .integer(Int64(files))),
            ("label", .text(label)), ("piece", .integer(Int64(pieceLength))), ("pieces", .integer(Int64(pieces))),
            ("seq", .integer(seq)), ("time", .integer(time)), ("v2", .bytes(v2)),
        ]
        if let v1 { fields.append(("v1", .bytes(v1))) }
        if !message.isEmpty { fields.append(("message", .text(message))) }
        if !trackers.isEmpty { fields.append(("trackers", .array(trackers.map { .text($0) }))) }
        if !webSeeds.isEmpty { fields.append(("webseeds", .array(webSeeds.map { .text($0) }))) }
        return fields
    }
}

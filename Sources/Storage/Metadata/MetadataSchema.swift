// SPDX-License-Identifier: Apache-2.0
internal import GRDB

/// The tables, as steps that each lead from one version to the next. A step that was released never changes.
enum MetadataSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(sql: sites)
            try db.execute(sql: releases)
            try db.execute(sql: keeping)
            try db.execute(sql: network)
        }
        return migrator
    }

    private static let sites = """
        CREATE TABLE site (
            id BLOB PRIMARY KEY CHECK (length(id) = 32),
            key BLOB CHECK (length(key) = 32),
            salt BLOB NOT NULL,
            title TEXT NOT NULL,
            folder TEXT,
            keyName TEXT,
            isOwn INTEGER NOT NULL,
            isPinned INTEGER NOT NULL,
            isFollowed INTEGER NOT NULL,
            addedAt INTEGER NOT NULL,
            openedAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE feed (
            site BLOB PRIMARY KEY CHECK (length(site) = 32),
            encoded BLOB NOT NULL
        );
        CREATE TABLE highestHead (
            site BLOB PRIMARY KEY CHECK (length(site) = 32),
            size INTEGER NOT NULL,
            bytes BLOB NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE evidence (
            number INTEGER PRIMARY KEY,
            site BLOB NOT NULL,
            kind TEXT NOT NULL,
            bytes BLOB NOT NULL,
            digest BLOB NOT NULL,
            foundAt INTEGER NOT NULL,
            UNIQUE (site, digest)
        );
        """

    private static let releases = """
        CREATE TABLE release (
            site BLOB NOT NULL CHECK (length(site) = 32),
            seq INTEGER NOT NULL,
            v1 BLOB CHECK (length(v1) = 20),
            v2 BLOB NOT NULL CHECK (length(v2) = 32),
            directory BLOB NOT NULL CHECK (length(directory) = 32),
            pieceLength INTEGER NOT NULL,
            storedAt INTEGER NOT NULL,
            manifest BLOB,
            v1Pieces BLOB,
            PRIMARY KEY (site, seq)
        );
        CREATE INDEX releaseByV1 ON release (v1);
        CREATE INDEX releaseByV2 ON release (v2);
        CREATE INDEX releaseByDirectory ON release (directory);
        CREATE TABLE manifestChunk (
            hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
            bytes BLOB NOT NULL
        );
        CREATE TABLE pieceLayer (
            root BLOB NOT NULL CHECK (length(root) = 32),
            pieceLength INTEGER NOT NULL,
            hashes BLOB NOT NULL,
            PRIMARY KEY (root, pieceLength)
        );
        CREATE TABLE directoryNode (
            hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
            site BLOB NOT NULL,
            bytes BLOB NOT NULL
        );
        CREATE INDEX directoryNodeBySite ON directoryNode (site);
        """

    private static let keeping = """
        CREATE TABLE want (
            root BLOB NOT NULL CHECK (length(root) = 32),
            site BLOB NOT NULL CHECK (length(site) = 32),
            length INTEGER NOT NULL,
            wantedAt INTEGER NOT NULL,
            PRIMARY KEY (root, site)
        ) WITHOUT ROWID;
        CREATE INDEX wantBySite ON want (site);
        CREATE TABLE denyRule (
            list TEXT NOT NULL,
            kind TEXT NOT NULL,
            value TEXT NOT NULL,
            reason TEXT NOT NULL,
            addedAt INTEGER NOT NULL,
            PRIMARY KEY (list, kind, value)
        ) WITHOUT ROWID;
        """

    private static let network = """
        CREATE TABLE torrent (
            number INTEGER PRIMARY KEY,
            v1 BLOB UNIQUE CHECK (length(v1) = 20),
            v2 BLOB UNIQUE CHECK (length(v2) = 32),
            name TEXT NOT NULL,
            metainfo BLOB,
            resume BLOB,
            isPinned INTEGER NOT NULL,
            addedAt INTEGER NOT NULL,
            CHECK (v1 IS NOT NULL OR v2 IS NOT NULL)
        );
        CREATE TABLE announce (
            hash BLOB PRIMARY KEY CHECK (length(hash) = 20),
            announcedAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE item (
            target BLOB PRIMARY KEY CHECK (length(target) = 20),
            seq INTEGER NOT NULL,
            bytes BLOB NOT NULL,
            keepsAlive INTEGER NOT NULL,
            putAt INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE setting (
            name TEXT PRIMARY KEY,
            value BLOB NOT NULL
        ) WITHOUT ROWID;
        """
}

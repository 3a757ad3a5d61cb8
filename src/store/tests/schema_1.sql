-- A store as the first version of its tables had it, whatever the program writes by now.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    time INTEGER NOT NULL,
    topic TEXT,
    bytes INTEGER NOT NULL,
    pruned INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
    room INTEGER NOT NULL,
    number INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    time INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    id BLOB NOT NULL,
    nickname TEXT NOT NULL,
    account TEXT,
    origin INTEGER NOT NULL,
    member INTEGER NOT NULL,
    text TEXT,
    message BLOB,
    said INTEGER,
    author TEXT,
    PRIMARY KEY (room, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE state (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(
    room, text, content = '', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
INSERT INTO rooms VALUES (1, 'tea', 'Tea', -2, 14, 1700000000300, 'leaves', 350, 0);
INSERT INTO events VALUES
    (1, 11, 0, 1700000000000, 0, x'0000000000000000000000000000000B', 'ann', NULL, 5, 7, 'the kettle is on', NULL, NULL, NULL),
    (1, 12, 11, 1700000000100, 2, x'0000000000000000000000000000000C', 'ann', NULL, 5, 7, 'leaves', NULL, NULL, NULL),
    (1, 13, 12, 1700000000200, 4, x'0000000000000000000000000000000D', 'bob', 'robert', 6, 8, NULL, x'000000000000000000000000000000AA', 1699999999999, 'eve'),
    (1, 14, 13, 1700000000300, 1, x'0000000000000000000000000000000E', 'ann', NULL, 5, 7, 'pours from the kettle', NULL, NULL, NULL);
INSERT INTO words (rowid, room, text) VALUES (11, 'r1', 'the kettle is on');
INSERT INTO state VALUES ('indexed', 13), ('is_closed', 1);
PRAGMA application_id = 1819242352;
PRAGMA user_version = 1;

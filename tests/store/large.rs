//! A store with ten million lines. It takes a minute and 1.5 GB of disk, so it is ignored:
//! `.ci/long` runs it.

use std::time::Instant;

use rusqlite::Connection;

use super::*;
use crate::support::Signal;

/// Ten thousand rooms with a thousand lines each.
const FILL: &str = "
    PRAGMA synchronous = OFF;
    BEGIN;
    WITH RECURSIVE room(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM room WHERE at < 9999)
        INSERT INTO rooms
        SELECT 100 + at, 'room' || at, 'room' || at, 77, 1001000 + at * 1000, 1700001000000, NULL,
            150000, 0
        FROM room;
    WITH RECURSIVE line(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM line WHERE at < 9999999)
        INSERT INTO events
        SELECT 100 + at / 1000, 1000001 + at, iif(at % 1000 = 0, 0, 1000000 + at),
            1700000000000 + at % 1000 * 1000, 0, randomblob(16), 'ann', NULL, 5, 7,
            'this is line ' || at % 1000 || ' of what people say about this and that',
            NULL, NULL, NULL
        FROM line;
    UPDATE state SET value = 11000000 WHERE name = 'indexed';
    COMMIT;
    PRAGMA wal_checkpoint(TRUNCATE);
";

/// Kilobytes of memory that a server has in use.
fn resident(server: &Server) -> u64 {
    let status = server.proc("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let value = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    value.expect("Linux says it")
}

/// Catches: what is looked through, or put into memory, at the start or for a page.
#[test]
#[ignore = "it takes a minute and 1.5 GB of disk"]
fn ten_million_lines_cost_no_memory() {
    let folder = Folder::new();
    let store = folder.text("store");
    let mut server = keeping(&store);
    server.signal(Signal::TERM);
    assert!(server.ended().success());
    let database = Connection::open(folder.path("store").join("chat.sqlite")).expect("a database");
    database.execute_batch(FILL).expect("it can be filled");
    drop(database);
    let began = Instant::now();
    let large = Server::with(&["--store", &store, "--store-max", "8G"]);
    println!("it has started in {:?}", began.elapsed());
    let small = keeping(&folder.text("empty"));
    for server in [&large, &small] {
        let mut ann = server.join();
        goes(&mut ann, "room777");
        ann.say("/history 200");
        ann.sync();
    }
    let mut ann = large.join();
    goes(&mut ann, "room9999");
    ann.say("/history 200");
    ann.expect_line(|line| line.starts_with("* The last 200 messages of #room9999"));
    let (large, small) = (resident(&large), resident(&small));
    println!("{large} KB, and {small} KB with an empty store");
    assert!(large < small + 4096, "{large} KB, and {small} KB");
}

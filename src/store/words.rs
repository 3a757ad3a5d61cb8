//! The index of words. It holds no text, only where each word is. To take a line out of it one has to
//! say what it was.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::backlog::Line;

/// Puts lines into the index.
pub(super) fn insert<'a>(
    connection: &Connection,
    lines: impl Iterator<Item = &'a Line>,
) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO words (rowid, room, text) VALUES (?1, ?2, ?3)")?;
    for line in lines {
        insert.execute(params![line.number as i64, token(line.room), &*line.text])?;
    }
    Ok(())
}

/// Takes a line out of it.
pub(super) fn forget(
    connection: &Connection,
    room: i64,
    number: i64,
    text: &str,
) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(
        "INSERT INTO words (words, rowid, room, text) VALUES ('delete', ?1, ?2, ?3)",
    )?;
    delete.execute(params![number, token(room), text])?;
    Ok(())
}

/// The word by which the lines of a room are found.
fn token(room: i64) -> String {
    format!("r{room}")
}

/// What finds the lines of a room that have all of these words, each of which costs as much again
/// as one. Whatever they are made of is no operator.
///
/// What has no letter and no digit, as an emoji, is in no index: it is given back for itself, to be
/// looked for in what is found.
pub(super) fn expression(room: i64, words: &str) -> (String, Vec<&str>) {
    let mut expression = format!("room : {}", token(room));
    let (mut seen, mut signs) = (HashSet::new(), Vec::new());
    for word in words.split_whitespace().filter(|word| seen.insert(*word)) {
        if !word.contains(char::is_alphanumeric) {
            signs.push(word);
            continue;
        }
        expression.push_str(" AND text : \"");
        expression.push_str(&word.replace('"', "\"\""));
        expression.push('"');
    }
    (expression, signs)
}

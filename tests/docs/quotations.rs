//! Quotations of the source, compared with it.

use std::fs;

use super::{hold, root};

/// What a quotation's comment names: `PATH [KIND NAME] [from "TEXT" to "TEXT"]`.
fn quoted(what: &str) -> Result<String, String> {
    let (what, part) = match what.split_once(" from \"") {
        Some((what, part)) => (what, Some(part)),
        None => (what, None),
    };
    let (path, item) = what.split_once(' ').unwrap_or((what, ""));
    let source =
        fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let mut lines: Vec<&str> = source.lines().collect();
    if !item.is_empty() {
        lines = item_lines(&lines, item).map_err(|why| format!("{path}: {why}"))?;
    }
    if let Some(part) = part {
        let part = part.strip_suffix('"').unwrap_or(part);
        let (ends, last) = match part.split_once("\" before \"") {
            Some(ends) => (Some(ends), 0),
            None => (part.split_once("\" to \""), 1),
        };
        let (from, to) = ends.ok_or("a part is: from \"TEXT\" to \"TEXT\", or before \"TEXT\"")?;
        let find = |text: &str, start: usize| {
            let found = lines[start..].iter().position(|line| line.contains(text));
            found
                .map(|at| start + at)
                .ok_or(format!("{path}: no line has {text:?}"))
        };
        let first = find(from, 0)?;
        lines = lines[first..find(to, first)? + last].to_vec();
    }
    // A program in another language that stands in a documentation comment.
    let comment = |line: &&str| line.strip_prefix("//!").is_some();
    if lines.iter().all(comment) {
        let uncommented = lines.iter().map(|line| line.trim_start_matches("//!"));
        lines = uncommented.collect();
    }
    let indent = lines.iter().filter(|line| !line.is_empty());
    let indent = indent
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    Ok(lines
        .iter()
        .map(|line| format!("{}\n", line.get(indent..).unwrap_or("")))
        .collect())
}

/// The lines of the one item of that kind and name. In formatted source it ends at the next line
/// that is indented as its first is, and closes it.
fn item_lines<'a>(lines: &[&'a str], item: &str) -> Result<Vec<&'a str>, String> {
    let starts: Vec<usize> = (0..lines.len())
        .filter(|&at| is_start(lines[at], item))
        .collect();
    let &[start] = starts.as_slice() else {
        return Err(format!("there are {} of `{item}`", starts.len()));
    };
    let indent = &lines[start][..lines[start].len() - lines[start].trim_start().len()];
    let is_end = |line: &str| {
        let rest = line.strip_prefix(indent).unwrap_or(" ");
        ["}", "};", "];", ");"].contains(&rest)
    };
    let first = lines[start].trim_end();
    if first.ends_with(';') || first.ends_with('}') {
        return Ok(vec![lines[start]]);
    }
    let length = lines[start..].iter().position(|line| is_end(line));
    let length = length.ok_or(format!("`{item}` has no end"))?;
    Ok(lines[start..=start + length].to_vec())
}

/// Whether a line begins the item: `fn turn`, `struct Outbox`, `const LARGE`, `impl Handle for`.
pub fn is_start(line: &str, item: &str) -> bool {
    let mut line = line.trim_start();
    if let Some(rest) = line.strip_prefix("pub") {
        line = match rest.strip_prefix('(') {
            Some(restricted) => restricted.split_once(')').map_or("", |(_, rest)| rest),
            None => rest,
        };
    }
    let rest = line.trim_start().strip_prefix(item);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn quotations_are_the_source() {
    let held = hold(|_, block| Some(quoted(block.comment.as_ref()?.strip_prefix("quote: ")?)));
    assert!(held > 0, "there is no quotation at all");
}

#[test]
fn an_item_is_found_whole_and_only_if_it_is_the_only_one() {
    let source = "const A: u8 = 1;\nimpl B {\n    /// Doc.\n    pub(super) fn go(\n        &self,\n    ) {\n        if x {\n        }\n    }\n\n    fn going() {}\n}";
    let lines: Vec<&str> = source.lines().collect();
    assert_eq!(item_lines(&lines, "const A").expect("there"), &lines[..1]);
    assert_eq!(item_lines(&lines, "fn go").expect("there"), &lines[3..9]);
    assert_eq!(
        item_lines(&lines, "fn going").expect("there"),
        &lines[10..11]
    );
    assert!(item_lines(&lines, "fn gone").is_err());
    let twice = [lines.clone(), lines].concat();
    assert!(item_lines(&twice, "fn go").is_err());
}

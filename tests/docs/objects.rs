//! The objects of `loopchat.v1.json`: what the source can send, and what `docs/protocol.md` has of
//! it.

use std::collections::BTreeSet;

use super::root;

/// What stands behind each `start` up to the next quotation mark.
fn quoted_after<'a>(source: &'a str, start: &str) -> BTreeSet<&'a str> {
    let parts = source.split(start).skip(1);
    let texts = parts.filter_map(|part| part.split('"').next());
    texts.filter(|text| !text.is_empty()).collect()
}

fn source(file: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).expect("it is there");
    // What tests make up is not sent.
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
    code.to_owned()
}

/// The section of the document, and what it has in backquotes.
fn section() -> String {
    let page = std::fs::read_to_string(root().join("docs/protocol.md")).expect("it is there");
    let (_, rest) = page.split_once("\n## In JSON\n").expect("a section");
    rest.split("\n## ").next().expect("a text").to_owned()
}

fn in_backquotes(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What the first column of each table of the section names.
fn first_columns(section: &str) -> BTreeSet<&str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    cells.flat_map(in_backquotes).collect()
}

#[test]
fn every_object_that_can_be_sent_is_described_and_no_other() {
    let json = source("src/server/doors/json/rendering.rs")
        + &source("src/server/doors/json/rendering/said.rs");
    let requests = source("src/server/doors/json/requests.rs");
    let board = source("src/server/doors/web/board.rs");
    let disconnect = source("src/chat/disconnect.rs");
    let section = section();

    let mut kinds = quoted_after(&json, "Object::new(\"");
    kinds.extend(quoted_after(&json, " string(\""));
    kinds.extend(quoted_after(&json, "MessageKind::Said) => \""));
    kinds.extend(quoted_after(&json, "MessageKind::Action) => \""));
    kinds.extend(quoted_after(&json, "Audience::Member { .. }, _) => \""));
    kinds.extend(quoted_after(&requests, "Object::new(\""));
    kinds.extend(quoted_after(&board, "\"kind\": \""));
    assert!(kinds.len() > 30, "{kinds:?}");
    let mut codes = quoted_after(&json, "code(\"");
    codes.extend(quoted_after(&json, "\"code\", \""));
    assert!(codes.len() > 30, "{codes:?}");

    // `done` and `pong` stand where what they answer does.
    let named = first_columns(&section);
    let answers = ["done", "pong"];
    let described: BTreeSet<&str> = named
        .iter()
        .copied()
        .filter(|name| !name.starts_with('{'))
        .chain(answers)
        .collect();
    let sent: BTreeSet<&str> = kinds.union(&codes).copied().collect();
    let missing: Vec<_> = sent.difference(&described).collect();
    assert!(
        missing.is_empty(),
        "docs/protocol.md does not have {missing:?}"
    );
    let stale: Vec<_> = described.difference(&sent).collect();
    assert!(stale.is_empty(), "nothing sends {stale:?}");
    for answer in answers {
        assert!(
            section.contains(&format!(r#"{{"kind":"{answer}","#)),
            "{answer}"
        );
    }

    // Why somebody is disconnected, and the fields of everything.
    let said = in_backquotes(&section);
    let (_, arms) = disconnect.split_once("fn code(&self)").expect("a function");
    let (arms, _) = arms.split_once("\n    }\n").expect("its end");
    let reasons = quoted_after(arms, "=> \"");
    assert!(reasons.len() > 10, "{reasons:?}");
    let mut fields = quoted_after(&json, ".with(\"");
    fields.extend(quoted_after(&requests, ".with(\""));
    fields.extend(quoted_after(&json, "json!({ \""));
    fields.extend(["lines_per_second", "burst"]);
    let (_, limits) = requests.split_once("let limits = json!({").expect("limits");
    let (limits, _) = limits.split_once("});").expect("their end");
    fields.extend(quoted_after(limits, "\n        \""));
    assert!(fields.len() > 40, "{fields:?}");
    let texts: Vec<_> = reasons
        .union(&fields)
        .filter(|text| !said.contains(**text))
        .collect();
    let texts: Vec<_> = texts
        .into_iter()
        .filter(|text| !["ref", "kind"].contains(*text))
        .collect();
    assert!(texts.is_empty(), "docs/protocol.md does not have {texts:?}");
}

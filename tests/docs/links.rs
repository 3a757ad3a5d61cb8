//! Links, and names of files and items.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::quotations::is_start;
use super::{Page, pages, root};

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(page: &Page) -> HashSet<String> {
    let mut anchors = HashSet::new();
    let mut heading: Option<String> = None;
    for (event, _) in page.events() {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let heading = heading.take().unwrap_or_default().to_lowercase();
                let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
                let anchor: String = heading.chars().filter(kept).collect();
                let anchor = anchor.replace(' ', "-");
                let again = (1..).map(|nth| format!("{anchor}-{nth}"));
                let mut names = std::iter::once(anchor.clone()).chain(again);
                anchors.extend(names.find(|name| !anchors.contains(name)));
            }
            _ => {}
        }
    }
    anchors
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let anchors: HashMap<PathBuf, HashSet<String>> = pages
        .iter()
        .map(|page| (root().join(&page.path), anchors(page)))
        .collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in &pages {
        for (event, range) in page.events() {
            let (Event::Start(Tag::Link { dest_url, .. })
            | Event::Start(Tag::Image { dest_url, .. })) = event
            else {
                continue;
            };
            if dest_url.contains("://") {
                continue;
            }
            seen += 1;
            let (file, anchor) = match dest_url.split_once('#') {
                Some((file, anchor)) => (file, Some(anchor)),
                None => (&*dest_url, None),
            };
            let here = root().join(&page.path);
            let target = match file {
                "" => here,
                file => here.parent().expect("a folder").join(file),
            };
            let Ok(target) = target.canonicalize() else {
                wrong.push(format!("{}: {dest_url} is not there", page.at(range.start)));
                continue;
            };
            let known = |anchor| {
                anchors
                    .get(&target)
                    .is_some_and(|known| known.contains(anchor))
            };
            if anchor.is_some_and(|anchor| !known(anchor)) {
                wrong.push(format!(
                    "{}: {dest_url} has no such heading",
                    page.at(range.start)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} links were found");
}

/// The file that `net/accept.rs` or `tests/idle.rs` means.
fn source_file(name: &str) -> Option<PathBuf> {
    ["", "src"]
        .iter()
        .map(|folder| root().join(folder).join(name))
        .find(|path| path.is_file())
}

#[test]
fn every_file_named_is_there_with_the_items_named_after_it() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in pages() {
        let mut file: Option<(String, String)> = None;
        for (event, range) in page.events() {
            match event {
                Event::Code(code) if code.ends_with(".rs") && code.contains('/') => {
                    seen += 1;
                    file = source_file(&code).map(|path| {
                        (
                            code.to_string(),
                            fs::read_to_string(path).expect("a source"),
                        )
                    });
                    if file.is_none() {
                        wrong.push(format!("{}: there is no {code}", page.at(range.start)));
                    }
                }
                Event::Code(code) if code.ends_with(".rs") => file = None,
                Event::Code(code) => {
                    let Some((name, source)) = &file else {
                        continue;
                    };
                    let item = code.rsplit("::").next().unwrap_or(&code);
                    let kinds = ["fn", "struct", "enum", "trait", "const", "type", "static"];
                    let is = |line: &str| {
                        kinds
                            .iter()
                            .any(|kind| is_start(line, &format!("{kind} {item}")))
                    };
                    let is_variant = |line: &str| line.trim_start().starts_with(item);
                    if !source.lines().any(|line| is(line) || is_variant(line)) {
                        wrong.push(format!("{}: {name} has no {code}", page.at(range.start)));
                    }
                    seen += 1;
                }
                Event::Text(text) if matches!(&*text, " " | ", ") => {}
                _ => file = None,
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} names were found");
}

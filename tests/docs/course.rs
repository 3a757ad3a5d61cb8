//! The chapters of the course: each has all its parts, and each picture can be read.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Tag};

use super::{Page, pages, root};

#[test]
fn each_chapter_has_its_parts() {
    let course = Path::new("docs/course");
    let pages = pages();
    let chapters: Vec<&Page> = pages
        .iter()
        .filter(|page| page.path.starts_with(course))
        .collect();
    let mut pictures: HashSet<PathBuf> = HashSet::new();
    let mut wrong = Vec::new();
    for (nth, page) in chapters.iter().enumerate() {
        let mut want = |there: bool, what: &str| {
            if !there {
                wrong.push(format!("{}: {what}", page.path.display()));
            }
        };
        let number = nth + 1;
        let name = page.path.file_name().expect("a name").to_string_lossy();
        want(
            name.starts_with(&format!("{number:02}-")),
            "its number is not its place",
        );
        want(
            page.text.starts_with(&format!("# {number}. ")),
            "its title is `# N. TITLE`",
        );
        let question = page.text.lines().nth(2).unwrap_or("");
        want(
            question.starts_with("**") && question.ends_with("?**"),
            "its third line is its question",
        );
        want(page.text.contains("\n## Exercises\n"), "it has exercises");
        let next = chapters.get(nth + 1).map_or("../README.md".into(), |next| {
            next.path.file_name().expect("a name").to_string_lossy()
        });
        let last = page.text.lines().last().unwrap_or("");
        want(
            last.starts_with("Next: [") && last.contains(&*next),
            "its last line leads on",
        );
        let blocks = page.blocks();
        let marks = |mark: fn(&str) -> bool| {
            let comments = blocks.iter().filter_map(|block| block.comment.as_deref());
            comments.filter(|comment| mark(comment)).count()
        };
        want(
            marks(|comment| comment.starts_with("quote: ")) > 0,
            "it quotes the source",
        );
        let is_experiment = |comment: &str| ["run", "measured", "by hand"].contains(&comment);
        want(marks(is_experiment) > 0, "it has an experiment");
        for block in &blocks {
            let marked = block.comment.is_some() || block.language == "text";
            want(
                marked,
                &format!("says not what this block is: {}", block.text),
            );
        }
        let shown = page.events().filter_map(|(event, _)| match event {
            Event::Start(Tag::Image { dest_url, .. }) => Some(root().join(course).join(&*dest_url)),
            _ => None,
        });
        let shown: Vec<PathBuf> = shown.collect();
        want(!shown.is_empty(), "it has a picture");
        pictures.extend(shown);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(chapters.len() == 14, "the course has 14 chapters");
    for entry in fs::read_dir(root().join(course).join("images")).expect("pictures") {
        let path = entry.expect("an entry").path();
        let picture = fs::read_to_string(&path).expect("an SVG is text");
        for part in [
            "viewBox=",
            "<title>",
            "<desc>",
            "prefers-color-scheme: dark",
        ] {
            assert!(picture.contains(part), "{path:?} has no {part}");
        }
        assert!(
            !["url(http", "@import", "href="]
                .iter()
                .any(|part| picture.contains(part)),
            "{path:?} loads something"
        );
        let front_page = path.ends_with("the-loop.svg");
        assert!(
            front_page || pictures.contains(&path),
            "{path:?} is shown nowhere"
        );
    }
}

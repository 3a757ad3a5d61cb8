//! The documentation, held to the source: nothing in it may go stale unnoticed.
//!
//! - A **quotation** of source is a fenced block behind a comment that names an item: `<!-- quote:
//!   src/event_loop/mod.rs fn turn -->`. The block must be that item as it stands in the source.
//!   Without an item it is the whole file; `from "text" to "text"` takes some lines of it, `before
//!   "text"` those before the last.
//! - An **experiment** is a fenced block of commands (`$ ...`) and of what they print, behind one
//!   of three comments: `<!-- run -->` is run here and must print just that, `<!-- measured -->`
//!   holds figures that differ from machine to machine, `<!-- by hand -->` wants a person or two
//!   terminals.
//! - Every link within the project leads somewhere, its anchor too; every `cargo run` names an
//!   example there is and flags that it has; every file, and the item named after it, is there.
//!
//! After a change of the source, `LOOPCHAT_BLESS=1 cargo test --test docs` writes the quotations
//! and the experiments anew; what has changed is then to be read, not only committed.
//!
//! `cargo test` builds the examples; `cargo test --test docs` does not.
//!
//! | file | holds |
//! | --- | --- |
//! | `quotations.rs` | what is quoted to what is there |
//! | `experiments.rs` | what is printed to what is shown; commands to the programs there are |
//! | `links.rs` | links, files and items that are named |
//! | `node_names.rs` | the names that Node has to those of which a page tells |
//! | `objects.rs` | the objects of JSON that are described to those that are sent |
//! | `course.rs` | the chapters to their form |
//! | `exercises.rs` | each exercise of the course to a test that does it |
//! | `changes.rs` | those of them that change the source, in a copy; ignored unless asked for |

mod changes;
mod course;
mod exercises;
mod experiments;
mod links;
mod node_names;
mod objects;
mod quotations;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A Markdown file of the project.
struct Page {
    /// Relative to the project.
    path: PathBuf,
    text: String,
}

impl Page {
    fn events(&self) -> impl Iterator<Item = (Event<'_>, std::ops::Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    /// Where a place in the text is, for people.
    fn at(&self, offset: usize) -> String {
        let line = self.text[..offset].matches('\n').count() + 1;
        format!("{}:{line}", self.path.display())
    }

    /// The fenced blocks: the comment right before each, its language and the range of its text.
    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut comment = None;
        let mut open: Option<Block> = None;
        for (event, range) in self.events() {
            match event {
                Event::Html(html) => {
                    let inner = html.trim().strip_prefix("<!--");
                    let inner = inner.and_then(|html| html.strip_suffix("-->"));
                    comment = inner.map(|inner| inner.trim().to_owned());
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    // One with nothing in it is where the line of its fence ends.
                    let fence = self.text[range.clone()].find('\n');
                    let inside = fence.map_or(range.end, |end| range.start + end + 1);
                    open = Some(Block {
                        comment: comment.take(),
                        language: language.to_string(),
                        text: String::new(),
                        range: inside..inside,
                    });
                }
                Event::Text(text) if open.is_some() => {
                    if let Some(block) = &mut open {
                        if block.text.is_empty() {
                            block.range.start = range.start;
                        }
                        block.range.end = range.end;
                        block.text.push_str(&text);
                    }
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
                _ => comment = None,
            }
        }
        blocks
    }
}

struct Block {
    comment: Option<String>,
    language: String,
    text: String,
    range: std::ops::Range<usize>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Markdown files of the project.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the project") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            let is_ours = name != "target" && name != "node_modules" && !name.starts_with('.');
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).expect("a page");
                let path = path.strip_prefix(root()).expect("within").to_owned();
                pages.push(Page { path, text });
            }
        }
    }
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(pages.len() > 5, "where have all the pages gone?");
    pages
}

fn blesses() -> bool {
    std::env::var_os("LOOPCHAT_BLESS").is_some()
}

/// Compares all blocks for which there is an `expected` text, or writes it there.
fn hold(mut expected: impl FnMut(&Page, &Block) -> Option<Result<String, String>>) -> usize {
    // Two that write the same pages would undo each other's work.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut wrong, mut held) = (Vec::new(), 0);
    for page in pages() {
        let mut mended = page.text.clone();
        for block in page.blocks().iter().rev() {
            match expected(&page, block) {
                None => continue,
                Some(Ok(text)) if text == block.text => {}
                Some(Ok(text)) if blesses() => mended.replace_range(block.range.clone(), &text),
                Some(Ok(text)) => wrong.push(format!(
                    "{}: it says\n{}\nand should say\n{text}",
                    page.at(block.range.start),
                    block.text
                )),
                Some(Err(why)) => wrong.push(format!("{}: {why}", page.at(block.range.start))),
            }
            held += 1;
        }
        if mended != page.text {
            fs::write(root().join(&page.path), mended).expect("the page can be written");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    held
}

#[test]
fn an_empty_block_is_filled_between_its_fences() {
    let mut page = Page {
        path: PathBuf::new(),
        text: "a\n\n<!-- one -->\n```text\n```\n\nb\n\n```text\nc\n```\n".to_owned(),
    };
    let blocks = page.blocks();
    assert_eq!(blocks[0].comment.as_deref(), Some("one"));
    assert_eq!(blocks[1].text, "c\n");
    page.text.replace_range(blocks[0].range.clone(), "d\n");
    assert!(
        page.text.contains("```text\nd\n```\n\nb\n"),
        "{}",
        page.text
    );
    assert_eq!(page.blocks()[1].text, "c\n");
}

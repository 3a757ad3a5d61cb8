//! `docs/`, rendered: the course and the manual are one click from the chat.
//!
//! Pages keep the names of their files, so that links between them work here as they do in the
//! repository. A link out of `docs/` names a source file, which the server does not have: the name
//! is shown instead.

use std::collections::HashMap;

use include_dir::{Dir, include_dir};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use crate::web;

static DOCS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/docs");

/// What is at a path within `docs/`: its type and its bytes.
pub(in crate::server) fn read(path: &str) -> Option<(&'static str, Vec<u8>)> {
    let name = match path {
        "" => "README.md".to_owned(),
        folder if folder.ends_with('/') => format!("{folder}README.md"),
        file => file.to_owned(),
    };
    // Paths are compared part by part there, so `course//a.md` and `course/./a.md` would be
    // `course/a.md`, too: a page would have as many names as anybody likes.
    let file = DOCS.get_file(&name)?;
    let bytes = (file.path().to_str() == Some(&*name)).then(|| file.contents())?;
    let (_, kind) = name.rsplit_once('.')?;
    let content_type = match kind {
        "md" => {
            let page = render(&String::from_utf8_lossy(bytes), &name);
            return Some(("text/html; charset=utf-8", page.into_bytes()));
        }
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        _ => return None,
    };
    Some((content_type, bytes.to_vec()))
}

/// A whole page from the text of a file.
fn render(markdown: &str, name: &str) -> String {
    let extensions =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let mut page = Rendering {
        depth: name.matches('/').count(),
        title: None,
        slugs: HashMap::new(),
        sources: 0,
        events: Vec::new(),
    };
    let mut heading = None;
    for event in Parser::new_ext(markdown, extensions) {
        match &event {
            // A heading's name is that of its text, which follows.
            Event::Start(Tag::Heading { .. }) => heading = Some((page.events.len(), String::new())),
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, words)) = &mut heading {
                    words.push_str(text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, words)) = heading.take() {
                    page.name_heading(start, &words);
                }
            }
            _ => {}
        }
        page.push(event);
    }
    let mut body = String::new();
    html::push_html(&mut body, page.events.into_iter());
    // In text a `<` is never left as it is. Code that is wider than the page scrolls, also without
    // a mouse.
    body = body.replace("<pre>", "<pre tabindex=\"0\">");
    // The policy of all pages forbids inline styles.
    for (cell, side) in [
        ("th", "right"),
        ("td", "right"),
        ("th", "center"),
        ("td", "center"),
    ] {
        let inline = format!("<{cell} style=\"text-align: {side}\">");
        body = body.replace(&inline, &format!("<{cell} class=\"{side}\">"));
    }
    for cell in ["th", "td"] {
        let inline = format!("<{cell} style=\"text-align: left\">");
        body = body.replace(&inline, &format!("<{cell}>"));
    }
    let mut title = String::new();
    let words = page.title.as_deref().unwrap_or(name);
    html::push_html(&mut title, std::iter::once(Event::Text(words.into())));
    web::DOCS
        .replace("{{title}}", &title)
        .replace("{{body}}", &body)
}

/// A page in the making.
struct Rendering<'a> {
    /// How many folders below `docs/` the file is.
    depth: usize,
    title: Option<String>,
    /// Names of headings, and how often each was wanted.
    slugs: HashMap<String, u32>,
    /// Links to source files that are open.
    sources: u32,
    events: Vec<Event<'a>>,
}

impl<'a> Rendering<'a> {
    fn push(&mut self, event: Event<'a>) {
        let event = match event {
            Event::Start(Tag::Link { ref dest_url, .. }) if self.leaves_docs(dest_url) => {
                self.sources += 1;
                Event::InlineHtml("<span class=\"source\">".into())
            }
            Event::End(TagEnd::Link) if self.sources > 0 => {
                self.sources -= 1; // links do not nest
                Event::InlineHtml("</span>".into())
            }
            // What is wider than the page scrolls by itself, also without a mouse.
            Event::Start(Tag::Table(_)) => {
                let open =
                    "<div class=\"table\" role=\"group\" aria-label=\"Table\" tabindex=\"0\">\n";
                self.events.push(Event::Html(open.into()));
                event
            }
            Event::End(TagEnd::Table) => {
                self.events.push(event);
                Event::Html("</div>\n".into())
            }
            other => other,
        };
        self.events.push(event);
    }

    /// Whether a link leads out of the folder, to what is not here.
    fn leaves_docs(&self, link: &str) -> bool {
        let ups = link.split('/').take_while(|&part| part == "..").count();
        ups > self.depth
    }

    fn name_heading(&mut self, start: usize, words: &str) {
        let mut slug = slug(words);
        let before = self.slugs.entry(slug.clone()).or_default();
        if *before > 0 {
            slug = format!("{slug}-{before}");
        }
        *before += 1;
        if let Some(Event::Start(Tag::Heading { id, .. })) = self.events.get_mut(start) {
            *id = Some(CowStr::from(slug));
        }
        self.title.get_or_insert_with(|| words.to_owned());
    }
}

/// The name of a heading as the usual viewers of repositories make it, so that links to it work in
/// both.
fn slug(words: &str) -> String {
    let kept = words
        .chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    let dashed = kept.map(|letter| if letter == ' ' { '-' } else { letter });
    dashed.collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Vec<(String, String)> {
        let mut folders = vec![&DOCS];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            folders.extend(folder.dirs());
            for file in folder.files() {
                let path = file.path().to_str().expect("a UTF-8 path").to_owned();
                if path.ends_with(".md") {
                    let (_, html) = read(&path).expect("it is there");
                    found.push((path, String::from_utf8(html).expect("text")));
                }
            }
        }
        found
    }

    fn attributes<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
        let start = format!(" {name}=\"");
        html.split(&*start.leak())
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn every_link_within_the_documentation_leads_somewhere() {
        let pages = pages();
        assert!(pages.len() > 4);
        let anchors: HashMap<&str, Vec<&str>> = pages
            .iter()
            .map(|(path, html)| (&**path, attributes(html, "id").collect()))
            .collect();
        for (path, html) in &pages {
            for link in attributes(html, "href").chain(attributes(html, "src")) {
                if link.starts_with('/') || link.contains("://") {
                    continue; // the shell's, or the world's
                }
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let mut parts: Vec<&str> = path.split('/').collect();
                parts.pop();
                for part in file.split('/').filter(|part| !part.is_empty()) {
                    match part {
                        ".." => drop(parts.pop().expect("within docs")),
                        part => parts.push(part),
                    }
                }
                let target = if file.is_empty() {
                    path.clone()
                } else {
                    parts.join("/")
                };
                assert!(read(&target).is_some(), "{path}: {link}");
                assert!(
                    anchor.is_empty() || anchors[&*target].contains(&anchor),
                    "{path}: {link}: no such heading"
                );
            }
        }
    }

    #[test]
    fn no_page_has_inline_style() {
        let table = "| a | b | c | d |\n| :--- | ---: | :---: | --- |\n| 1 | 2 | 3 | 4 |\n";
        let html = render(table, "a.md");
        assert!(
            html.contains("<td class=\"right\">2</td><td class=\"center\">3</td>"),
            "{html}"
        );
        for (path, html) in pages().into_iter().chain([("a table".to_owned(), html)]) {
            let tags = html.split('<').filter_map(|rest| rest.split('>').next());
            for tag in tags {
                assert!(
                    !tag.contains(" style=") && !tag.starts_with("style"),
                    "{path}: {tag}"
                );
            }
        }
    }

    #[test]
    fn sources_are_named_and_not_linked_to() {
        let html = render(
            "# A & *b*\n\n[`turn`](../src/lib.rs), [here](x.md)\n",
            "a.md",
        );
        assert!(
            html.contains("<title>A &amp; b - loopchat</title>"),
            "{html}"
        );
        assert!(html.contains("<h1 id=\"a--b\">"), "{html}");
        assert!(
            html.contains("<span class=\"source\"><code>turn</code></span>"),
            "{html}"
        );
        assert!(html.contains("<a href=\"x.md\">here</a>"), "{html}");
        let deeper = render("[up](../x.md) [out](../../src/lib.rs)", "course/a.md");
        assert!(deeper.contains("<a href=\"../x.md\">"), "{deeper}");
        assert!(
            deeper.contains("<span class=\"source\">out</span>"),
            "{deeper}"
        );
    }

    #[test]
    fn code_that_scrolls_can_be_reached_by_keyboard() {
        let html = render("```rust\nlet a = \"<pre>\";\n```\n\n    $ b\n", "a.md");
        assert_eq!(html.matches("<pre tabindex=\"0\">").count(), 2, "{html}");
        assert!(!html.contains("<pre>"), "{html}");
    }

    #[test]
    fn headings_of_one_name_are_told_apart() {
        let html = render("## The end\n\n## The end\n\n## `a_b`: c-d, e!\n", "a.md");
        for id in ["the-end", "the-end-1", "a_b-c-d-e"] {
            assert!(html.contains(&format!(" id=\"{id}\"")), "{id}: {html}");
        }
    }

    #[test]
    fn nothing_outside_is_read() {
        for path in [
            "../Cargo.toml",
            "/etc/passwd",
            "nowhere.md",
            "x/../README.md",
            "protocol",
            "./protocol.md",
            "course//README.md",
            "course/./README.md",
            "protocol.md/.",
        ] {
            assert!(read(path).is_none(), "{path}");
        }
    }
}

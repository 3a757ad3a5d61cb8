//! Every name that Node's own prototypes have is on the page that tells which of them are here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::{Page, pages, root, support};

/// Prints `class name` for each name that a class has of its own, or an instance of it.
const ASKS: &str = r"
const net = require('net'), http = require('http'), stream = require('stream');
const show = (of, thing) => { for (const name of Object.getOwnPropertyNames(thing))
  if (!name.startsWith('_') && name !== 'constructor') console.log(of, name); };
const both = (of, Class, ...args) => { show(of, Class.prototype); show(of, new Class(...args)); };
show('net', net); show('http', http);
for (const Class of ['Readable', 'Writable', 'Duplex']) show('stream.' + Class, stream[Class].prototype);
show('events.EventEmitter', require('events').prototype);
both('net.Server', net.Server); both('net.Socket', net.Socket);
both('http.Server', http.Server); both('http.Agent', http.Agent);
show('http.OutgoingMessage', http.OutgoingMessage.prototype);
both('http.IncomingMessage', http.IncomingMessage, new net.Socket());
both('http.ServerResponse', http.ServerResponse, { method: 'GET' });
show('http.ClientRequest', http.ClientRequest.prototype);
const request = http.request({ port: 1 }); request.on('error', () => {});
show('http.ClientRequest', request); request.destroy();
show('timers', require('timers')); show('timers/promises', require('timers/promises'));
const timeout = setTimeout(() => {}, 1), immediate = setImmediate(() => {});
show('Timeout', Object.getPrototypeOf(timeout)); show('Immediate', Object.getPrototypeOf(immediate));
";

/// What is in code on the page, below a heading that is a class: all of it, and what is said to be
/// the same here.
#[derive(Default)]
struct Section {
    all: BTreeSet<String>,
    same: Vec<String>,
}

fn sections(page: &Page) -> BTreeMap<String, Section> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let (mut class, mut in_heading, mut is_same) = (String::new(), false, false);
    for (event, _) in page.events() {
        match event {
            Event::Start(Tag::Heading { .. }) => (in_heading, class) = (true, String::new()),
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Start(Tag::Item) => is_same = false,
            Event::Text(text) if text.starts_with("The same: ") => is_same = true,
            Event::Code(code) if in_heading => class = code.into_string(),
            Event::Code(code) => {
                let section = sections.entry(class.clone()).or_default();
                section.all.insert(code.to_string());
                if is_same {
                    section.same.push(code.into_string());
                }
            }
            _ => {}
        }
    }
    sections
}

/// `resetAndDestroy` as `reset_and_destroy`.
fn in_rusts_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn parity() -> BTreeMap<String, Section> {
    let mut pages = pages().into_iter();
    let page = pages.find(|page| page.path.ends_with("node-parity.md"));
    sections(&page.expect("the page"))
}

/// The text of every source below a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder of the project") {
        let path = entry.expect("an entry").path();
        text += &match path.is_dir() {
            true => sources(&path),
            false => fs::read_to_string(path).expect("a source"),
        };
    }
    text
}

/// Catches: a name of Node's of which the page says nothing.
#[test]
fn every_name_of_nodes_is_on_the_page() {
    if !support::has_tool("node") {
        return;
    }
    let output = support::run(Command::new("node").args(["-e", ASKS]));
    let names = String::from_utf8(output.stdout).expect("names are text");
    assert!(
        output.status.success() && names.lines().count() > 200,
        "{names}"
    );
    let sections = parity();
    let missing: Vec<_> = names
        .lines()
        .filter(|line| {
            let (class, name) = line.split_once(' ').expect("a class and a name");
            !sections
                .get(class)
                .is_some_and(|section| section.all.contains(name))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "of these the page says nothing: {missing:#?}"
    );
}

/// Catches: a name that is said to be here and is not.
#[test]
fn what_is_said_to_be_the_same_is_there() {
    let rooms = ["event_loop", "net", "http"].map(|room| sources(&root().join("src").join(room)));
    let sources = rooms.concat();
    let sections = parity();
    let said: Vec<_> = sections
        .values()
        .flat_map(|section| &section.same)
        .collect();
    assert!(said.len() > 100, "{said:?}");
    for name in said {
        let snake = in_rusts_case(name);
        let function = format!("pub fn {snake}");
        let follows = |rest: &str| rest.starts_with(['(', '<']);
        let is_function = sources.split(&function).skip(1).any(follows);
        let is_type = sources.contains(&format!("pub struct {name}"));
        assert!(
            is_function || is_type,
            "`{name}` is said to be the same here"
        );
    }
}

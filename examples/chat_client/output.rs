//! What is printed: what the server says, and the client's own words.

use std::io::{self, Write};
use std::mem;

use super::{Client, Context, leave};

/// Bytes that may wait to be printed; when there are more, the server has to wait.
const MAX_UNPRINTED: usize = 64 * 1024;

/// What waits to be printed, in order.
#[derive(Default)]
pub struct Output {
    waiting: Vec<(To, String)>,
    printing: bool,
}

#[derive(PartialEq)]
pub enum To {
    Stdout,
    Stderr,
}

impl Output {
    /// Whether so much waits that no more should be read.
    pub fn is_full(&self) -> bool {
        self.waiting
            .iter()
            .map(|(_, text)| text.len())
            .sum::<usize>()
            > MAX_UNPRINTED
    }
}

/// The client's own words.
pub fn notice(client: &mut Client, cx: &mut Context, text: &str) {
    show(client, cx, To::Stderr, &format!("-- {text}"));
}

/// Prints a line in the check phase, together with all else that this turn of the loop brings.
pub fn show(client: &mut Client, cx: &mut Context, to: To, line: &str) {
    match client.output.waiting.last_mut() {
        Some((last, text)) if *last == to => *text += &format!("{line}\n"),
        _ => client.output.waiting.push((to, format!("{line}\n"))),
    }
    if !mem::replace(&mut client.output.printing, true) {
        cx.set_immediate(print);
    }
}

/// A pager or a stopped terminal takes nothing for hours, and writing to it blocks: so the thread
/// pool does it, and the loop goes on. Ctrl-C, for one, still ends it.
fn print(client: &mut Client, cx: &mut Context) {
    let output = mem::take(&mut client.output.waiting);
    let write = move || {
        output.iter().try_for_each(|(to, text)| match to {
            To::Stdout => io::stdout().write_all(text.as_bytes()),
            To::Stderr => io::stderr().write_all(text.as_bytes()),
        })
    };
    cx.queue_work(write, |client, cx, written: io::Result<()>| {
        client.output.printing = false;
        if let Some(socket) = client.socket {
            socket.resume(cx);
        }
        if written.is_err() {
            client.output.waiting.clear(); // nobody reads us any more
            client.exit_code = 1;
            leave(client, cx);
        } else if !client.output.waiting.is_empty() {
            client.output.printing = true;
            print(client, cx);
        }
    });
}

//! Standard input: a terminal, a pipe or a file, read when the loop says that there is some.

use std::io;
use std::mem;
use std::ops::ControlFlow;

use loopchat::event_loop::PollHandle;
use loopchat::server::framing::Frame;
use mio::{Interest, unix::SourceFd};

use super::output::notice;
use super::session::is_word;
use super::{Client, Context, MAX_LINE, all_said, leave, perform};

/// Bytes that are read at a time.
const PIECE: usize = 16 * 1024;

/// Who reads it.
#[derive(Clone, Copy, PartialEq)]
pub enum Input {
    Paused,
    Polled(PollHandle),
    ByThreadPool,
    Ended,
}

/// Begins to read standard input if it is wanted now, or stops if it is not: to be called whenever
/// that may have changed.
///
/// A terminal or a pipe is polled like a socket, except that it stays in blocking mode: the mode
/// belongs to everyone who shares it, the shell included. One read for each event does not block.
/// A file cannot be polled: it is always ready, and slow all the same. The thread pool reads it,
/// piece by piece.
pub fn read_or_pause(client: &mut Client, cx: &mut Context) {
    let session = &client.session;
    let wanted = match session.is_open() {
        true => !client.full && !client.wire.is_full(),
        // Whoever types is heard; a pipe can wait, and what is not read yet is not lost.
        false => client.interactive && !session.is_ending(),
    };
    match (wanted, client.input) {
        (true, Input::Paused) => {
            let readable = |client: &mut Client, cx: &mut Context, _, _: &mut _, _| {
                typed(client, cx, read_stdin());
            };
            match cx.poll(SourceFd(&0), Interest::READABLE, readable) {
                Ok(handle) => client.input = Input::Polled(handle),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    client.input = Input::ByThreadPool;
                    cx.queue_work(read_stdin, |client, cx, piece| {
                        client.input = Input::Paused;
                        typed(client, cx, piece);
                    });
                }
                Err(error) => typed(client, cx, Err(error)),
            }
        }
        (false, Input::Polled(handle)) => {
            cx.close_poll(handle);
            client.input = Input::Paused;
        }
        _ => {}
    }
}

/// One read, past the buffer of `std`: of what that holds no event would tell.
fn read_stdin() -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE];
    let count = rustix::io::read(io::stdin(), &mut piece[..])?;
    piece.truncate(count);
    Ok(piece)
}

/// A piece of the input, or its end: an empty piece.
fn typed(client: &mut Client, cx: &mut Context, piece: io::Result<Vec<u8>>) {
    let piece = match piece {
        // Someone else who shares the terminal was faster.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
        Err(error) => {
            notice(client, cx, &format!("cannot read the input: {error}"));
            client.exit_code = 1;
            Vec::new()
        }
        Ok(piece) => piece,
    };
    let mut decoder = mem::take(&mut client.typed);
    let mut say_frame = |frame: Frame<'_>| match frame {
        Frame::Line(line) => say(client, cx, line),
        Frame::TooLong => notice(client, cx, "a line was not sent: it is too long"),
    };
    if piece.is_empty() {
        decoder.finish(MAX_LINE, say_frame); // a last line without its end
        if let Input::Polled(handle) = mem::replace(&mut client.input, Input::Ended) {
            cx.close_poll(handle);
        }
    } else {
        decoder.feed(MAX_LINE, &piece, |frame| {
            say_frame(frame);
            ControlFlow::Continue(())
        });
    }
    client.typed = decoder;
    if client.input == Input::Ended {
        all_said(client, cx);
    }
    read_or_pause(client, cx);
}

/// A line was typed: it is sent, or waits until it may be.
fn say(client: &mut Client, cx: &mut Context, line: &str) {
    let session = &client.session;
    if client.interactive && !session.is_open() && is_word(line, "/quit") {
        leave(client, cx); // there is nobody to say goodbye, or nothing to wait for
    } else if !session.is_ending() {
        let steps = client.session.typed(line);
        perform(client, cx, steps);
    }
}

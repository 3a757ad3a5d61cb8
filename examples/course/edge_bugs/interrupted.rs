//! Rule 8: a signal ends the sleep. It is no error, and not the time that was asked for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll};
use rustix::process::{Signal, getpid, kill_process};

use crate::say;

/// When the only timer is due.
const DUE: Duration = Duration::from_millis(400);
/// When the signal comes.
const SIGNAL: Duration = Duration::from_millis(200);

pub fn show() -> io::Result<()> {
    signal_hook::flag::register(
        signal_hook::consts::SIGWINCH,
        Arc::new(AtomicBool::new(false)),
    )?;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);

    let start = Instant::now();
    let signal = signal_later();
    let error = poll
        .poll(&mut events, Some(DUE))
        .expect_err("a signal comes");
    say(
        "broken",
        format!("`poll(..)?` ends the server, since a window was resized: {error}"),
    );
    signal.join().expect("sent");
    poll.poll(&mut events, Some(DUE))?;
    say(
        "broken",
        format!(
            "polls again with the same timeout: too late is {}",
            start.elapsed() >= SIGNAL + DUE
        ),
    );

    let start = Instant::now();
    let signal = signal_later();
    loop {
        let left = DUE.saturating_sub(start.elapsed());
        match poll.poll(&mut events, Some(left)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(()) if start.elapsed() >= DUE => break,
            Ok(()) => {}
        }
    }
    say(
        "mended",
        format!(
            "computes the timeout anew: too late is {}",
            start.elapsed() >= SIGNAL + DUE
        ),
    );
    signal.join().expect("sent");
    Ok(())
}

/// Sends this process a signal while it sleeps.
fn signal_later() -> thread::JoinHandle<()> {
    thread::spawn(|| {
        thread::sleep(SIGNAL);
        kill_process(getpid(), Signal::WINCH).expect("it is this process");
    })
}

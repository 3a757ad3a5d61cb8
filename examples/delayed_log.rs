//! A chat server whose log takes its time: what is said gets its place some milliseconds later, in a
//! thread of its own, as a log does that writes to a disk or asks another machine.
//!
//! ```console
//! $ cargo run --release --example delayed_log -- 1 --listen 127.0.0.1:3000 --web off
//! ```
//!
//! The first argument is the delay in milliseconds, the others are the server's flags. Nobody hears
//! a line before its time, lines do not wait for each other, and what one types behind them does.

use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use loopchat::EventLoop;
use loopchat::chat::{Draft, Millis, Settled};
use loopchat::room_log::{News, RoomLog, Wake};
use loopchat::server::{self, Config};

/// A draft, and when it was said by people's clocks.
type Appended = (Draft, Millis);

/// The loop's half of the log: it never waits.
struct DelayedLog {
    delay: Duration,
    /// What this turn has brought so far.
    turn: Vec<Appended>,
    /// Turns, each with the time at which it was over.
    to_thread: Option<Sender<(Instant, Vec<Appended>)>>,
    settled: Option<Receiver<Settled>>,
}

impl DelayedLog {
    fn new(delay: Duration) -> Self {
        Self {
            delay,
            turn: Vec::new(),
            to_thread: None,
            settled: None,
        }
    }
}

impl RoomLog for DelayedLog {
    fn append(&mut self, draft: Draft, utc: Millis) -> Option<Settled> {
        self.turn.push((draft, utc));
        None
    }

    fn flush(&mut self) {
        let turn = std::mem::take(&mut self.turn);
        if let Some(to_thread) = &self.to_thread {
            // The thread ends with the log, and not before.
            let _ = to_thread.send((Instant::now(), turn));
        }
    }

    fn next_news(&mut self) -> Option<News> {
        self.settled.as_ref()?.try_recv().ok().map(News::Settled)
    }

    fn wake_by(&mut self, wake: Wake) {
        let (to_thread, turns) = mpsc::channel();
        let (to_loop, settled) = mpsc::channel();
        let delay = self.delay;
        thread::spawn(move || keep(&turns, &to_loop, delay, &wake));
        (self.to_thread, self.settled) = (Some(to_thread), Some(settled));
    }
}

/// The thread's half: gives each turn its places when its time has come.
fn keep(
    turns: &Receiver<(Instant, Vec<Appended>)>,
    to_loop: &Sender<Settled>,
    delay: Duration,
    wake: &Wake,
) {
    let mut number = 0;
    while let Ok((over, turn)) = turns.recv() {
        thread::sleep((over + delay).saturating_duration_since(Instant::now()));
        for (draft, time) in turn {
            number += 1;
            let committed = Settled::Committed {
                draft,
                number,
                time,
            };
            if to_loop.send(committed).is_err() {
                return; // the loop has ended
            }
        }
        wake();
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let delay = arguments.next().and_then(|delay| delay.parse().ok());
    let Some(delay) = delay.map(Duration::from_millis) else {
        eprintln!("usage: delayed_log MILLISECONDS [--listen ADDRESS ...]");
        return ExitCode::from(2);
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let config = Config::parse_from(std::iter::once(program).chain(arguments));
    match serve(config, delay) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("delayed_log: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config, delay: Duration) -> Result<(), Box<dyn std::error::Error>> {
    let mut event_loop = EventLoop::new()?;
    let log = Box::new(DelayedLog::new(delay));
    let mut server = server::open_with_log(&mut event_loop, config, log)?;
    event_loop.run(&mut server)?;
    Ok(())
}

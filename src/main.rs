//! The chat server: flags to a configuration, and serve it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fmt};

use env_logger::{Builder, Target, WriteStyle};
use log::{LevelFilter, warn};
use loopchat::server::{self, Config, LogQueue};

/// How long the end waits for a log that is slow to write; one that is stuck never ends.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What is logged if nobody says otherwise.
const DEFAULT_FILTER: &str = "info";

/// Whose lines there are: ours, and those of the poll.
const TARGETS: [&str; 2] = ["loopchat", "mio"];

fn main() -> ExitCode {
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(told) => return ExitCode::from(told.print()),
    };
    let mut log = match LogQueue::start(server::standard_error()) {
        Ok(queue) => Log(queue),
        Err(error) => {
            let _ = writeln!(io::stderr(), "loopchat: the log: {error}"); // to whom else
            return ExitCode::FAILURE;
        }
    };
    log.install();
    let done = match config.command.clone() {
        Some(command) => server::carry_out(&command, &config),
        None => server::serve(config),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.say(format_args!("loopchat: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Where all that the program has to say goes, so that none of it waits for who reads it. What is
/// left at the end, or at a panic, is written then.
struct Log(LogQueue);

impl Log {
    fn say(&mut self, what: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{what}"); // it takes everything
    }

    fn install(&self) {
        let given = |name| {
            let value = env::var_os(name)?.to_string_lossy().into_owned();
            Some(value).filter(|value| !value.trim().is_empty())
        };
        let mut builder = Builder::new();
        let filters = given("RUST_LOG");
        let nonsense = filters.as_deref().and_then(nonsense);
        let wanted = filters.as_deref().filter(|_| nonsense.is_none());
        builder.parse_filters(wanted.unwrap_or(DEFAULT_FILTER));
        builder.parse_write_style(given("RUST_LOG_STYLE").as_deref().unwrap_or("auto"));
        builder.target(Target::Pipe(Box::new(self.0.clone())));
        if wants_colours() {
            builder.write_style(WriteStyle::Always);
        }
        builder.init();
        if let (Some(filters), Some(why)) = (filters, nonsense) {
            warn!("RUST_LOG={filters:?} makes no sense ({why}): it is {DEFAULT_FILTER:?} instead");
        }
        let queue = self.0.clone();
        panic::set_hook(Box::new(move |panic| {
            let mut log = Log(queue.clone());
            log.say(format_args!("loopchat: {panic}"));
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                log.say(format_args!("{backtrace}"));
            }
        }));
    }
}

/// What is wrong with a value of `RUST_LOG`, if anything. One that names only what never logs would
/// be in order, but whoever says `RUST_LOG=verbose` wants something else than silence.
fn nonsense(filters: &str) -> Option<String> {
    if let Err(error) = env_filter::Builder::new().try_parse(filters) {
        let told = error.to_string(); // in several lines, if it is about a regular expression
        return Some(told.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let directives = filters.split('/').next().unwrap_or_default().split(',');
    let mut directives = directives.map(str::trim).filter(|part| !part.is_empty());
    let says_something = directives.any(|directive| {
        let (name, level) = directive.split_once('=').unwrap_or((directive, ""));
        let is_level = level.is_empty() && name.parse::<LevelFilter>().is_ok();
        let shares = |target: &str| target.starts_with(name) || name.starts_with(target);
        is_level || TARGETS.iter().any(|target| shares(target))
    });
    match says_something {
        true => None,
        false => Some("nothing of that name logs here".to_owned()),
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush(LAST_LINES);
    }
}

/// As `env_logger` decides it for a standard error that it writes to itself.
fn wants_colours() -> bool {
    let is = |name: &str, value: &str| env::var_os(name).is_some_and(|found| found == value);
    let is_unset = |name: &str| env::var_os(name).is_none_or(|value| value.is_empty());
    let left_to_us = is_unset("RUST_LOG_STYLE") || is("RUST_LOG_STYLE", "auto");
    left_to_us && is_unset("NO_COLOR") && !is("TERM", "dumb") && io::stderr().is_terminal()
}

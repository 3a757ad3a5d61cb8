//! The configuration as shells, containers and service managers give it.

use std::env;
use std::ffi::OsStr;
use std::fmt;

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use crate::server::Config;

/// What is printed instead of serving: help, the version, or what is wrong with a flag.
#[derive(Debug)]
pub struct Told(clap::Error);

impl Told {
    /// Prints it where it belongs, help to standard output and errors to standard error, and tells
    /// with what status to exit: 0, or 2 for flags and variables that make no sense, or 1 if
    /// nobody could be told.
    #[must_use]
    pub fn print(&self) -> u8 {
        match (self.0.print(), self.0.exit_code()) {
            // Whoever reads `--help` with `head` has had enough.
            (Err(error), 0) if error.kind() != std::io::ErrorKind::BrokenPipe => 1,
            (_, status) => u8::try_from(status).unwrap_or(2),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Config {
    /// What the command line says, then the environment, then the defaults.
    ///
    /// A variable that is empty, or holds blanks only, counts as not given, as in a container's
    /// file of variables; so does an empty part of a list.
    ///
    /// # Errors
    ///
    /// [`Told`], if there is something to print instead.
    pub fn from_environment() -> Result<Self, Told> {
        let command = with_variables(Self::command());
        let found = command.try_get_matches().and_then(|mut matches| {
            Self::from_arg_matches_mut(&mut matches)
                .and_then(Self::that_makes_sense)
                .map_err(|error| error.format(&mut Self::command()))
        });
        found
            .map_err(|error| match error.kind() {
                // Help names every variable, those that are empty, too.
                ErrorKind::DisplayHelp => Self::command().try_get_matches().err().unwrap_or(error),
                _ => error,
            })
            .map_err(Told)
    }
}

impl Config {
    /// Refuses flags that make no sense together.
    fn that_makes_sense(self) -> Result<Self, clap::Error> {
        let (soft, hard) = (self.outbox_soft, self.outbox_hard);
        if soft > hard {
            let reason = format!("--outbox-soft {soft} is more than --outbox-hard {hard}");
            return Err(clap::Error::raw(ErrorKind::ValueValidation, reason + "\n"));
        }
        Ok(self)
    }
}

/// The command without variables that say nothing, and lists without parts that say nothing.
fn with_variables(command: Command) -> Command {
    command.mut_args(|flag| {
        let value = flag.get_env().and_then(env::var_os);
        match value.as_deref().and_then(OsStr::to_str) {
            Some(value) => with_variable(flag, value),
            None => flag, // clap says so if it is no text
        }
    })
}

fn with_variable(flag: Arg, value: &str) -> Arg {
    let delimiter = flag.get_value_delimiter();
    let parts = value.split(|c| Some(c) == delimiter).map(str::trim);
    let parts: Vec<String> = parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    let separator = delimiter.map_or(String::new(), String::from);
    if !parts.is_empty() && parts.join(&separator) == value {
        return flag; // as it is
    }
    let flag = flag.env(None::<&str>);
    match parts.is_empty() {
        true => flag,
        // It still gives way to a flag.
        false => flag.default_values(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `--listen` is with this in its variable, and these flags.
    fn listen(variable: &str, flags: &[&str]) -> Vec<String> {
        let command = Config::command().mut_args(|flag| match flag.get_id().as_str() {
            "listen" => with_variable(flag.env(None::<&str>), variable),
            _ => flag.env(None::<&str>),
        });
        let matches = command.get_matches_from(["loopchat"].iter().chain(flags));
        Config::from_arg_matches(&matches)
            .expect("all have defaults")
            .listen
    }

    #[test]
    fn what_is_empty_says_nothing() {
        for variable in ["", " ", ",", " , ,"] {
            assert_eq!(
                listen(variable, &[]),
                Config::default().listen,
                "{variable:?}"
            );
        }
        assert_eq!(listen("a:1,,b:2,", &[]), ["a:1", "b:2"]);
        assert_eq!(listen(" a:1 , b:2 ", &[]), ["a:1", "b:2"]);
        assert_eq!(listen("a:1,,b:2", &["--listen", "c:3"]), ["c:3"]);
    }
}

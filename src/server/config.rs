//! The flags, their environment variables, and what they default to.

use clap::Parser;

use crate::chat;

/// How to run a chat server; what `loopchat --help` prints.
///
/// Every flag has an environment variable; a flag that is given wins.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "loopchat",
    version,
    long_about = None,
    about = "A chat server on a Node-style event loop."
)]
#[command(after_help = "Then chat from any terminal: nc 127.0.0.1 3000\n\
                        RUST_LOG sets what is logged (error, warn, info, debug, trace).")]
pub struct Config {
    /// Where to listen: IP:PORT, HOST:PORT, or a path with a / in it for a Unix socket. Port 0
    /// takes a free one. May be repeated; several may be separated by commas
    #[arg(
        long,
        value_name = "ADDR",
        env = "LOOPCHAT_LISTEN",
        value_delimiter = ',',
        default_value = "127.0.0.1:3000"
    )]
    pub listen: Vec<String>,

    /// Bytes a line may have, without its line end; a longer one is refused
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_MAX_LINE",
        default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(16..=65536)
    )]
    pub max_line: u32,

    /// Messages a room keeps for /history; fewer if they are long (64 KiB in all)
    #[arg(
        long,
        value_name = "LINES",
        env = "LOOPCHAT_HISTORY",
        default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(0..=100_000)
    )]
    pub history: u32,

    /// Seconds the end of the server takes at most, for those who have not yet read what was said
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOOPCHAT_SHUTDOWN_TIMEOUT",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(0..=3600)
    )]
    pub shutdown_timeout: u32,
}

impl Config {
    /// The part that is the chat's own.
    #[must_use]
    pub fn chat(&self) -> chat::Config {
        chat::Config {
            history: self.history as usize,
            ..chat::Config::default()
        }
    }

    /// [`shutdown_timeout`](Self::shutdown_timeout) in milliseconds.
    pub(super) fn shutdown_timeout_ms(&self) -> u64 {
        u64::from(self.shutdown_timeout) * 1000
    }
}

impl Default for Config {
    /// What holds without any flag or environment variable.
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:3000".to_owned()],
            max_line: 4096,
            history: 200,
            shutdown_timeout: 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_consistent_and_each_has_its_variable() {
        let command = Config::command();
        command.clone().debug_assert();
        for flag in command
            .get_arguments()
            .filter(|flag| flag.get_long() != Some("help"))
        {
            let Some(long) = flag.get_long().filter(|long| *long != "version") else {
                continue;
            };
            let variable = format!("LOOPCHAT_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(
                flag.get_env().and_then(|name| name.to_str()),
                Some(variable.as_str())
            );
        }
    }

    #[test]
    fn the_defaults_of_flags_and_of_the_type_agree() {
        // Variables of the environment that runs this test would count as flags.
        let clean = Config::command().mut_args(|flag| flag.env(None::<&str>));
        let matches = clean.get_matches_from(["loopchat"]);
        let parsed = <Config as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }
}

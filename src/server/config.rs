//! The flags, their environment variables, and what they default to.

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::chat;
use crate::server::core::flood::{Connects, Flood};
use crate::server::doors::trusted_proxies::TrustedProxy;
use crate::server::doors::web::Origin;
use crate::server::keeping::{Command, Sync};

/// How to run a chat server; what `loopchat --help` prints.
///
/// Every flag has an environment variable; a flag that is given wins.
/// [`from_environment`](Self::from_environment) reads both.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "loopchat",
    version,
    long_about = None,
    about = "A chat server on a Node-style event loop."
)]
#[command(after_help = "Then chat from any terminal: nc 127.0.0.1 3000\n\
                        RUST_LOG sets what is logged (error, warn, info, debug, trace).\n\
                        The exit status is 0 after an orderly end, 1 if it cannot serve, 2 if a flag or \
                        variable makes no sense.")]
pub struct Config {
    /// Where to listen: IP:PORT, HOST:PORT, PORT for this machine alone, :PORT for all its
    /// addresses, a path with a / in it for a Unix socket, or @NAME for an abstract one. Port 0
    /// takes a free one. With tls:// in front of it TLS is spoken there. May be repeated; several
    /// may be separated by commas. If not given, what the service manager has passed, or
    /// 127.0.0.1:3000
    #[arg(
        long,
        value_name = "ADDR",
        env = "LOOPCHAT_LISTEN",
        value_delimiter = ','
    )]
    pub listen: Vec<String>,

    /// The same for proxies: each connection has to come from one of --trust-proxy, and to begin
    /// with a header of the PROXY protocol
    #[arg(
        long,
        value_name = "ADDR",
        env = "LOOPCHAT_LISTEN_PROXY",
        value_delimiter = ','
    )]
    pub listen_proxy: Vec<String>,

    /// Proxies that say who is behind them: an address, a network as 10.0.0.0/8, loopback, or unix
    /// (whatever connects to a Unix socket). May be repeated; several may be separated by commas
    #[arg(
        long,
        value_name = "PROXY",
        env = "LOOPCHAT_TRUST_PROXY",
        value_delimiter = ','
    )]
    pub trust_proxy: Vec<TrustedProxy>,

    /// Where browsers chat: an address as for --listen, with https:// in front of it over TLS; or
    /// off. May be repeated; several may be separated by commas. If not given, 127.0.0.1:8080, if
    /// that is free
    #[arg(long, value_name = "ADDR", env = "LOOPCHAT_WEB", value_delimiter = ',')]
    pub web: Vec<String>,

    /// Send browsers that come in the clear to where TLS is spoken, all but this machine's own: to
    /// the first --web-origin that is https, or the first address of --web that is
    #[arg(long, env = "LOOPCHAT_WEB_REDIRECT")]
    pub web_redirect: bool,

    /// Tell browsers that come over TLS to come in no other way for so many seconds (HSTS); 0 has
    /// them forget it. Not with --tls-dev
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOOPCHAT_HSTS",
        value_parser = clap::value_parser!(u32).range(0..=63_072_000)
    )]
    pub hsts: Option<u32>,

    /// Another origin whose pages may chat, and a name this server has: SCHEME://HOST:PORT, as a
    /// browser shows it. May be repeated; several may be separated by commas
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "LOOPCHAT_WEB_ORIGIN",
        value_delimiter = ','
    )]
    pub web_origin: Vec<Origin>,

    /// What others than this machine may look at on the web door: loop (the live view of the event
    /// loop), metrics (for Prometheus), or both, separated by a comma
    #[arg(
        long,
        value_name = "WHAT",
        env = "LOOPCHAT_EXPOSE",
        value_delimiter = ','
    )]
    pub expose: Vec<Exposed>,

    /// A certificate for the doors that speak TLS, in PEM, with those of who has signed it behind
    /// it. May be repeated; several may be separated by commas: which of them a client is shown
    /// depends on the name that it asks for. It is read again when it changes, and at SIGHUP
    #[arg(
        long,
        value_name = "FILE",
        env = "LOOPCHAT_TLS_CERT",
        value_delimiter = ','
    )]
    pub tls_cert: Vec<PathBuf>,

    /// Its private key, in PEM; as many as there are certificates, in the same order
    #[arg(
        long,
        value_name = "FILE",
        env = "LOOPCHAT_TLS_KEY",
        value_delimiter = ','
    )]
    pub tls_key: Vec<PathBuf>,

    /// Make a certificate for this machine, which nobody else trusts, and keep it for the next
    /// time: in $STATE_DIRECTORY, $XDG_STATE_HOME/loopchat or ~/.local/state/loopchat
    #[arg(long, env = "LOOPCHAT_TLS_DEV")]
    pub tls_dev: bool,

    /// Permissions of Unix socket files, in octal: who may write to one may chat
    #[arg(
        long,
        value_name = "MODE",
        env = "LOOPCHAT_IPC_MODE",
        default_value = "0600",
        value_parser = octal
    )]
    pub ipc_mode: u32,

    /// Connections there may be at a time, as far as the descriptors go
    #[arg(
        long,
        value_name = "COUNT",
        env = "LOOPCHAT_MAX_CONNECTIONS",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_connections: u32,

    /// Connections one address may have at a time; this machine's own are not counted
    #[arg(
        long,
        value_name = "COUNT",
        env = "LOOPCHAT_MAX_PER_ADDRESS",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_per_address: u32,

    /// Bytes a line may have, without its line end; a longer one is refused
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_MAX_LINE",
        default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(16..=65536)
    )]
    pub max_line: u32,

    /// Characters a nickname may have
    #[arg(
        long,
        value_name = "CHARS",
        env = "LOOPCHAT_MAX_NICKNAME",
        default_value_t = 24,
        value_parser = clap::value_parser!(u32).range(16..=64)
    )]
    pub max_nickname: u32,

    /// Characters the name of a room may have
    #[arg(
        long,
        value_name = "CHARS",
        env = "LOOPCHAT_MAX_ROOM_NAME",
        default_value_t = 32,
        value_parser = clap::value_parser!(u32).range(8..=64)
    )]
    pub max_room_name: u32,

    /// Characters the topic of a room may have
    #[arg(
        long,
        value_name = "CHARS",
        env = "LOOPCHAT_MAX_TOPIC",
        default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(0..=1000)
    )]
    pub max_topic: u32,

    /// Rooms there may be at a time, #lobby included
    #[arg(
        long,
        value_name = "COUNT",
        env = "LOOPCHAT_MAX_ROOMS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub max_rooms: u32,

    /// Rooms one member may hear at a time
    #[arg(
        long,
        value_name = "COUNT",
        env = "LOOPCHAT_MAX_ROOMS_PER_MEMBER",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub max_rooms_per_member: u32,

    /// Members a room may have at a time
    #[arg(
        long,
        value_name = "COUNT",
        env = "LOOPCHAT_MAX_ROOM_MEMBERS",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub max_room_members: u32,

    /// Messages a room keeps for /history
    #[arg(
        long,
        value_name = "LINES",
        env = "LOOPCHAT_HISTORY",
        default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(0..=100_000)
    )]
    pub history: u32,

    /// Seconds that a room which empties keeps its history and topic; 0 for not at all
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOOPCHAT_ROOM_LINGER",
        default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(0..=31 * 24 * 60 * 60)
    )]
    pub room_linger: u32,

    /// Seconds for which a program may resume its session after its connection is gone; 0 for not
    /// at all
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOOPCHAT_RESUME_TIME",
        default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(0..=24 * 60 * 60)
    )]
    pub resume_time: u32,

    /// Bytes of messages a room keeps; long ones push older ones out sooner
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_HISTORY_BYTES",
        default_value_t = 64 * 1024,
        value_parser = clap::value_parser!(u32).range(0..=64 * 1024 * 1024)
    )]
    pub history_bytes: u32,

    /// Bytes that may wait for a member before messages are left out for it; it is told how many
    /// when it has read what waits
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_OUTBOX_SOFT",
        default_value_t = 64 * 1024,
        value_parser = clap::value_parser!(u32).range(4096..=64 * 1024 * 1024)
    )]
    pub outbox_soft: u32,

    /// Bytes that may wait for a member at all, no less than --outbox-soft; beyond, notices are
    /// left out for it, too, and it is disconnected if they are its own answers
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_OUTBOX_HARD",
        default_value_t = 256 * 1024,
        value_parser = clap::value_parser!(u32).range(4096..=256 * 1024 * 1024)
    )]
    pub outbox_hard: u32,

    /// Bytes that clients may have the server hold: what waits for them, what they sent and nobody
    /// has heard, and half of it at most what rooms keep. 512M and 2G are understood. Beyond, who
    /// holds most goes first
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_MAX_MEMORY",
        default_value = "256M",
        value_parser = bytes
    )]
    pub max_memory: u64,

    /// Seconds a member for whom bytes wait may read none of them; then it is disconnected
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOOPCHAT_STALL_TIMEOUT",
        default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=86_400)
    )]
    pub stall_timeout: u32,

    /// Seconds a member may say nothing; then it is disconnected. 0 is for ever
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOOPCHAT_IDLE_TIMEOUT",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=86_400)
    )]
    pub idle_timeout: u32,

    /// Lines a connection may say: RATE a second in the long run, BURST at once; or off. A request
    /// for a page counts as a line. Who asks for more is read more slowly, and all of an address
    /// together at ten times this. If not given, 10:40 for all but this machine's own
    #[arg(long, value_name = "RATE:BURST", env = "LOOPCHAT_FLOOD")]
    pub flood: Option<Flood>,

    /// A line counts once for every so many bytes of it
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_FLOOD_BYTES",
        default_value_t = 512,
        value_parser = clap::value_parser!(u32).range(16..=65536)
    )]
    pub flood_bytes: u32,

    /// Connections an address may make: RATE a second in the long run, BURST at once; or off.
    /// Others are turned away. If not given, 10:100 for all but this machine's own
    #[arg(long, value_name = "RATE:BURST", env = "LOOPCHAT_CONNECTS")]
    pub connects: Option<Connects>,

    /// Seconds the end of the server takes at most, for those who have not yet read what was said
    #[arg(
        long,
        value_name = "SECONDS",
        env = "LOOPCHAT_SHUTDOWN_TIMEOUT",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(0..=3600)
    )]
    pub shutdown_timeout: u32,

    /// Where what is said in rooms is kept: a folder, which is made if it is not there; or memory,
    /// for as long as the process lives. If not given, $STATE_DIRECTORY, else
    /// $XDG_STATE_HOME/loopchat, else ~/.local/state/loopchat
    #[arg(long, value_name = "PATH", env = "LOOPCHAT_STORE", global = true)]
    pub store: Option<String>,

    /// When a line is kept: normal outlasts the end of the process, however it comes, full the end
    /// of power, too, and waits for the disk
    #[arg(
        long,
        value_name = "WHEN",
        env = "LOOPCHAT_STORE_SYNC",
        default_value = "normal"
    )]
    pub store_sync: Sync,

    /// Bytes that the store may take; beyond, the oldest of the room goes that takes most
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOOPCHAT_STORE_MAX",
        default_value = "1G",
        value_parser = bytes
    )]
    pub store_max: u64,

    /// Days for which the store keeps what was said. If not given, for ever
    #[arg(
        long,
        value_name = "DAYS",
        env = "LOOPCHAT_STORE_DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    pub store_days: Option<u32>,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What is for this machine only, unless `--expose` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Exposed {
    /// The live view of the event loop, at `/loop`.
    Loop,
    /// What Prometheus wants to know, at `/metrics`.
    Metrics,
}

/// A number of bytes, with a unit or without: `1048576`, `1M`.
fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_uppercase();
    let plain = text.strip_suffix("IB").or_else(|| text.strip_suffix('B'));
    let text = plain.unwrap_or(&text);
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let unit = units
        .iter()
        .find_map(|&(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (number, shift) = unit.unwrap_or((text, 0));
    let bytes = number.parse().ok().and_then(|number: u64| {
        let bytes = number.checked_mul(1 << shift)?;
        (1 << 20..=1 << 44).contains(&bytes).then_some(bytes)
    });
    bytes.ok_or_else(|| "it wants a number of bytes from 1M on: 268435456, 256M, 2G".to_owned())
}

/// Permissions as `chmod` has them.
fn octal(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "it wants permissions in octal, 0 to 777".to_owned())
}

impl Config {
    /// The part that is the chat's own.
    #[must_use]
    pub fn chat(&self) -> chat::Config {
        chat::Config {
            rooms: self.max_rooms as usize,
            rooms_per_member: self.max_rooms_per_member as usize,
            room_members: self.max_room_members as usize,
            history: self.history as usize,
            history_bytes: self.history_bytes as usize,
            linger: u64::from(self.room_linger) * 1000,
            histories: (self.max_memory / 2) as usize,
            nickname: self.max_nickname as usize,
            room_name: self.max_room_name as usize,
            topic: self.max_topic as usize,
            ..chat::Config::default()
        }
    }
}

impl Default for Config {
    /// What holds without any flag or environment variable.
    fn default() -> Self {
        let without_environment = Self::command().mut_args(|flag| flag.env(None::<&str>));
        let matches = without_environment.get_matches_from(["loopchat"]);
        Self::from_arg_matches(&matches).expect("every flag has a default")
    }
}

#[cfg(test)]
mod tests;

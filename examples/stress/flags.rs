//! The flags, and which of them go together.

use clap::Parser;
use clap::error::{Error, ErrorKind};
use loopchat::net::{Address, Target};

/// Pairs of a sender and a receiver that are kept track of at most, at 4 bytes each.
const MAX_PAIRS: u64 = 1_000_000_000;

/// How to load a server; what `stress --help` prints.
#[derive(Debug, Parser)]
#[command(name = "stress", version, long_about = None)]
#[command(about = "Loads a loopchat server, and checks everything that it delivers.")]
#[command(
    after_help = "Exit status: 0 if nothing was lost, duplicated or out of order and nobody was \
                  disconnected; 1 if not; 2 if it could not start; 130 after Ctrl-C."
)]
pub struct Flags {
    /// The server: IP:PORT, HOST:PORT, or a path with a / in it for a Unix socket
    #[arg(
        value_name = "ADDR",
        env = "LOOPCHAT_ADDR",
        default_value = "127.0.0.1:3000"
    )]
    #[arg(value_parser = parse_target)]
    pub server: Target,

    /// Load the web door: the address is that of --web, and the clients are WebSockets
    #[arg(long)]
    pub ws: bool,

    /// Connections that take a name and a room, and whose deliveries are checked
    #[arg(long, value_name = "CLIENTS", default_value_t = 1000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub clients: u32,

    /// Rooms the clients are spread over evenly
    #[arg(long, value_name = "ROOMS", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub rooms: u32,

    /// Clients that send; everyone else in their rooms receives [default: 10, or all of fewer]
    #[arg(long, value_name = "CLIENTS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    senders: Option<u32>,

    /// Messages that each sender sends
    #[arg(long, value_name = "MESSAGES", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=99_999_999))]
    pub messages: u32,

    /// Bytes of a message's text; the name before it and the line end come on top
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u32).range(40..=60_000))]
    pub size: u32,

    /// Messages a second that all senders send together; 0 is as fast as the server takes them,
    /// with at most 64 KiB on their way in each room
    #[arg(long, value_name = "MESSAGES/S", default_value_t = 0)]
    pub rate: u32,

    /// Clients a second, of those that do not send, that leave and come back during the run. So
    /// many of the clients do it in turn; what they miss meanwhile is not counted
    #[arg(long, value_name = "CLIENTS/S", default_value_t = 0)]
    pub churn: u32,

    /// Clients on top of --clients that read nothing once they are in their room. The server may
    /// disconnect them; nothing about them is counted
    #[arg(long, value_name = "CLIENTS", default_value_t = 0)]
    pub slow_readers: u32,

    /// Only hold the connections, and tell what they cost
    #[arg(long)]
    #[arg(conflicts_with_all = ["senders", "messages", "size", "rate", "churn", "slow_readers"])]
    pub idle: bool,

    /// Seconds that --idle holds the connections; Ctrl-C ends it sooner
    #[arg(long, value_name = "SECONDS", default_value_t = 10, requires = "idle")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub hold: u32,

    /// The server's process id, to read its CPU time and its resident memory from /proc. What a
    /// connection takes is seen best on a server that was just started
    #[arg(long, value_name = "PID")]
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: Option<i32>,
}

fn parse_target(text: &str) -> Result<Target, &'static str> {
    Target::parse(text).ok_or("it wants IP:PORT, HOST:PORT or a path with a /")
}

impl Flags {
    /// Refuses what cannot be together.
    pub fn check(&self) -> Result<(), Error> {
        let per_room = if self.idle { 1 } else { 2 };
        let (clients, rooms) = (u64::from(self.clients), u64::from(self.rooms));
        let (senders, churn) = (self.senders() as u64, u64::from(self.churn));
        let refuse = |reason: String| Err(Error::raw(ErrorKind::ValueValidation, reason + "\n"));
        if self.ws && matches!(self.server, Target::Address(Address::Ipc(_))) {
            refuse("--ws wants IP:PORT or HOST:PORT".to_owned())
        } else if clients < rooms * per_room {
            refuse(format!(
                "--rooms {rooms} takes at least {} clients, and --clients is {clients}",
                rooms * per_room
            ))
        } else if senders + churn > clients {
            refuse(format!(
                "--clients {clients} is too few for {senders} that send and {churn} others that leave and \
                 come back"
            ))
        } else if clients * senders.div_ceil(rooms) > MAX_PAIRS {
            refuse(format!(
                "{clients} clients with {} senders in each room are more than {MAX_PAIRS} pairs to check",
                senders.div_ceil(rooms)
            ))
        } else {
            Ok(())
        }
    }

    /// Clients that send: the first ones.
    pub fn senders(&self) -> usize {
        let default = 10.min(self.clients.saturating_sub(self.churn)).max(1);
        self.senders.unwrap_or(default) as usize
    }

    /// Clients of any kind.
    pub fn everyone(&self) -> usize {
        self.clients as usize + self.slow_readers as usize
    }
}

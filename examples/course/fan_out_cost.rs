//! What it costs to tell everyone: a write for each message and member, or one for each member.
//!
//! ```sh
//! cargo run --release --example fan_out_cost -- 1000 40     # members, messages in one turn
//! ```

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const LINE: &[u8] = b"guest17: a line of the usual length, some sixty bytes with its end\n";

fn main() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    let argument = |nth| {
        env::args()
            .nth(nth)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let (members, messages) = (argument(1).unwrap_or(1000), argument(2).unwrap_or(40));
    let mut room = Vec::new();
    for _ in 0..members {
        room.push(UnixStream::pair()?);
    }
    println!("{messages} messages in one turn, for a room of {members}");
    let mut report =
        |how: &str, tell: fn(&mut UnixStream, usize) -> io::Result<usize>| -> io::Result<()> {
            let (mut writes, mut took) = (0, Duration::ZERO);
            for _ in 0..10 {
                let start = Instant::now();
                for (server_side, _) in &mut room {
                    writes += tell(server_side, messages)?;
                }
                took += start.elapsed();
                for (_, member) in &mut room {
                    member.read_exact(&mut vec![0; messages * LINE.len()])?;
                }
            }
            let each = took.as_nanos() / (10 * members * messages) as u128;
            println!(
                "{how:24} {:>8} system calls {each:>6} ns a delivery",
                writes / 10
            );
            Ok(())
        };
    report("a write for each message", |to, messages| {
        for _ in 0..messages {
            to.write_all(LINE)?;
        }
        Ok(messages)
    })?;
    report("one write a turn", |to, messages| {
        // In the chat this is put together once for the whole room, not once for each member.
        to.write_all(&LINE.repeat(messages))?;
        Ok(1)
    })
}

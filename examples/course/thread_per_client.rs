//! A thread for each client, measured against one loop for all.
//!
//! ```sh
//! cargo run --release --example thread_per_client -- 1000       # clients
//! cargo run --release --example thread_per_client -- 1000 0     # and how often each says a line
//! ```
//!
//! Runs two echo servers in turn, each in a process of its own, connects so many clients to it, and
//! has all of them say a line and hear it again, five times over or as often as is said.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use std::{env, fs, thread};

use loopchat::{EventLoop, net};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How often everybody says a line, if nothing else is said.
const ROUNDS: usize = 5;

fn main() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    match env::args().nth(1).as_deref() {
        Some("threads") => serve_threads(),
        Some("loop") => serve_loop(),
        clients => {
            let rounds = env::args().nth(2);
            measure(number(clients, 1000)?, number(rounds.as_deref(), ROUNDS)?)
        }
    }
}

fn number(text: Option<&str>, default: usize) -> io::Result<usize> {
    text.map_or(Ok(default), |text| {
        let wrong = |_| io::Error::other(format!("{text} is no number"));
        text.parse().map_err(wrong)
    })
}

/// The server everybody writes first.
fn serve_threads() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    for client in listener.incoming() {
        let mut client = client?;
        thread::Builder::new().spawn(move || -> io::Result<()> {
            let mut buffer = [0; 4096];
            loop {
                let count = client.read(&mut buffer)?; // this thread sleeps here, for its one client
                if count == 0 {
                    return Ok(());
                }
                client.write_all(&buffer[..count])?;
            }
        })?;
    }
    Ok(())
}

fn serve_loop() -> io::Result<()> {
    let mut event_loop = EventLoop::<()>::new()?;
    let server = net::create_server(&mut event_loop);
    server.on_data(&mut event_loop, |_, cx, socket, bytes| {
        socket.write(cx, bytes);
    });
    server.listen(&mut event_loop, ("127.0.0.1", 0));
    server.on_listening(&mut event_loop, |_, cx, server| {
        println!("127.0.0.1:{}", server.port(cx));
    });
    event_loop.run(&mut ())
}

/// A server in a process of its own, which ends with this one's interest in it, whatever happens.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure(clients: usize, rounds: usize) -> io::Result<()> {
    println!(
        "{clients} clients   threads  memory KB  kernel stacks KB  switches a line  CPU us a line  ms a round"
    );
    for kind in ["threads", "loop"] {
        let stacks_before = kernel_stacks()?;
        let mut command = Command::new(env::current_exe()?);
        let mut server = Server(command.arg(kind).stdout(Stdio::piped()).spawn()?);
        let mut address = String::new();
        BufReader::new(server.0.stdout.take().expect("piped")).read_line(&mut address)?;
        let address: SocketAddr = address.trim().parse().map_err(io::Error::other)?;
        let pid = server.0.id();
        let before = memory(pid)?;
        let mut all = Vec::new();
        for _ in 0..clients {
            let client = TcpStream::connect(address)?;
            client.set_nodelay(true)?;
            all.push(client);
        }
        round(&mut all)?; // everyone is served by now
        let (switches, cpu, start) = (switches(pid)?, cpu_us(pid)?, Instant::now());
        for _ in 0..rounds {
            round(&mut all)?;
        }
        let took = start.elapsed();
        let lines = (clients * rounds) as f64;
        let (threads, kb) = (tasks(pid)?.len(), memory(pid)?.saturating_sub(before));
        let stacks = kernel_stacks()?.saturating_sub(stacks_before);
        // Where no line was said there is nothing to share the cost among.
        let each = |all: f64, digits: usize| match lines > 0.0 {
            true => format!("{:.digits$}", all / lines),
            false => "-".to_owned(),
        };
        let switches = each((self::switches(pid)? - switches) as f64, 2);
        let cpu = each(cpu_us(pid)? - cpu, 1);
        let ms = took.as_millis().checked_div(rounds as u128);
        let ms = ms.map_or("-".to_owned(), |ms| ms.to_string());
        println!("{kind:13} {threads:>8} {kb:>10} {stacks:>17} {switches:>16} {cpu:>14} {ms:>11}");
    }
    Ok(())
}

/// Everyone says a line, then everyone hears it.
fn round(all: &mut [TcpStream]) -> io::Result<()> {
    let line = [b'x'; 64];
    for client in &mut *all {
        client.write_all(&line)?;
    }
    for client in all {
        client.read_exact(&mut [0; 64])?;
    }
    Ok(())
}

// --- what Linux tells of a process --------------------------------------------------------------

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Resident, in KB.
fn memory(pid: u32) -> io::Result<u64> {
    Ok(field(
        &fs::read_to_string(format!("/proc/{pid}/status"))?,
        "VmRSS:",
    ))
}

/// Of the whole system, in KB: they count for no process.
fn kernel_stacks() -> io::Result<u64> {
    Ok(field(&fs::read_to_string("/proc/meminfo")?, "KernelStack:"))
}

/// What /proc says of each thread.
fn tasks(pid: u32) -> io::Result<Vec<String>> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"))?;
    tasks
        .map(|task| fs::read_to_string(task?.path().join("status")))
        .collect()
}

/// How often the processor went from a thread of it to another.
fn switches(pid: u32) -> io::Result<u64> {
    let of = |task: &String| {
        field(task, "voluntary_ctxt_switches:") + field(task, "nonvoluntary_ctxt_switches:")
    };
    Ok(tasks(pid)?.iter().map(of).sum())
}

/// Of all its threads. `/proc/PID/stat` counts in hundredths of a second.
fn cpu_us(pid: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let numbers = stat.rsplit(')').next().unwrap_or("");
    let ticks: f64 = numbers
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<f64>().ok())
        .sum();
    Ok(ticks * 10_000.0)
}

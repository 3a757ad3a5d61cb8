//! A thread for each client, measured against one loop for all.
//!
//! ```sh
//! cargo run --release --example thread_per_client -- 1000
//! ```
//!
//! Runs two echo servers in turn, each in a process of its own, connects so many clients to it, and
//! has all of them say a line and hear it again, five times over.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs, thread};

use loopchat::{EventLoop, net};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const ROUNDS: u32 = 5;

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
        Some(clients) => measure(clients.parse().expect("a number of clients")),
        None => measure(1000),
    }
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
    server.listen(&mut event_loop, (0, "127.0.0.1"));
    server.on_listening(&mut event_loop, |_, cx, server| {
        println!("127.0.0.1:{}", server.port(cx));
    });
    event_loop.run(&mut ())
}

fn measure(clients: usize) -> io::Result<()> {
    println!(
        "{clients} clients   threads  memory KB  kernel stacks KB  switches a line  CPU us a line  ms a round"
    );
    for kind in ["threads", "loop"] {
        let stacks_before = kernel_stacks()?;
        let mut server = Command::new(env::current_exe()?)
            .arg(kind)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        BufReader::new(server.stdout.take().expect("piped")).read_line(&mut address)?;
        let address: SocketAddr = address.trim().parse().expect("an address");
        let pid = server.id();
        let before = memory(pid)?;
        let mut all = Vec::new();
        for _ in 0..clients {
            let client = TcpStream::connect(address)?;
            client.set_nodelay(true)?;
            all.push(client);
        }
        round(&mut all)?; // everyone is served by now
        let (switches, cpu, start) = (switches(pid)?, cpu_us(pid)?, Instant::now());
        for _ in 0..ROUNDS {
            round(&mut all)?;
        }
        let ms = start.elapsed().as_millis() / u128::from(ROUNDS);
        let lines = (clients as u32 * ROUNDS) as f64;
        let (threads, kb) = (tasks(pid)?.len(), memory(pid)? - before);
        let stacks = kernel_stacks()?.saturating_sub(stacks_before);
        let switches = (self::switches(pid)? - switches) as f64 / lines;
        let cpu = (cpu_us(pid)? - cpu) / lines;
        println!(
            "{kind:13} {threads:>8} {kb:>10} {stacks:>17} {switches:>16.2} {cpu:>14.1} {ms:>11}"
        );
        server.kill()?;
        server.wait()?;
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

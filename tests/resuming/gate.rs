//! A gate in front of a server: it passes bytes on, and cuts connections at random, in several ways.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use socket2::SockRef;

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Both sides are reset.
    Reset,
    /// Both sides are closed.
    Close,
    /// The client's side is closed; the server does not notice.
    Unnoticed,
    /// The server's side is closed; the client hears nothing any more.
    Deaf,
}

/// So many ends nobody notices at a time, or descriptors would run out: whose they were has come
/// back since, and was cut again.
const HUNG: usize = 200;

/// What all its threads share.
struct Shared {
    server: SocketAddr,
    cuts: AtomicU64,
    /// Ends of which the other one was cut, so that nobody notices: the latest of them.
    hung: Mutex<VecDeque<TcpStream>>,
}

/// The gate.
pub struct Gate {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Gate {
    /// Opens it, in front of a server.
    pub fn open(server: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has one");
        let shared = Arc::new(Shared {
            server,
            cuts: AtomicU64::new(0),
            hung: Mutex::new(VecDeque::new()),
        });
        let own = Arc::clone(&shared);
        // It ends with the process.
        thread::spawn(move || {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            for client in listener.incoming().flatten() {
                pass(&own, client, &mut random);
            }
        });
        Self { address, shared }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has cut.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Relaxed)
    }
}

/// Passes on what a client and the server say, until one of them has said so many bytes.
fn pass(shared: &Arc<Shared>, client: TcpStream, random: &mut ChaCha8Rng) {
    let server = TcpStream::connect(shared.server).expect("the server listens");
    let cut = match random.random_range(0..4) {
        0 => Cut::Reset,
        1 => Cut::Close,
        2 => Cut::Unnoticed,
        _ => Cut::Deaf,
    };
    // Some are cut in the handshake, or while the session is resumed.
    let most = [800, 8000, 80_000][random.random_range(0..3)];
    let lengths = [(); 2].map(|()| random.random_range(1..most));
    let ends = Arc::new(Mutex::new(Some((client, server))));
    let clone = || {
        let ends = ends.lock().expect("nobody panics");
        let (client, server) = ends.as_ref()?;
        Some((client.try_clone().ok()?, server.try_clone().ok()?))
    };
    let (Some(up), Some(down)) = (clone(), clone()) else {
        return;
    };
    for ((from, to), length) in [up, (down.1, down.0)].into_iter().zip(lengths) {
        let (shared, ends) = (Arc::clone(shared), Arc::clone(&ends));
        thread::spawn(move || {
            copy(from, to, length);
            let ends = ends.lock().expect("nobody panics").take();
            if let Some((client, server)) = ends {
                shared.cuts.fetch_add(1, Ordering::Relaxed);
                shared.cut(cut, client, server);
            }
        });
    }
}

/// Passes bytes on, so many at most.
fn copy(mut from: TcpStream, mut to: TcpStream, mut left: usize) {
    let mut buffer = [0; 4096];
    while left > 0 {
        let most = left.min(buffer.len());
        match from.read(&mut buffer[..most]) {
            Ok(0) => return,
            Ok(count) if to.write_all(&buffer[..count]).is_err() => return,
            Ok(count) => left -= count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

impl Shared {
    fn cut(&self, cut: Cut, client: TcpStream, server: TcpStream) {
        // An end may be gone already.
        let close = |end: TcpStream| _ = end.shutdown(Shutdown::Both);
        let hang = |end| {
            let mut hung = self.hung.lock().expect("nobody panics");
            hung.push_back(end);
            if hung.len() > HUNG {
                hung.pop_front().into_iter().for_each(close);
            }
        };
        match cut {
            Cut::Reset => [client, server].into_iter().for_each(reset),
            Cut::Close => [client, server].into_iter().for_each(close),
            Cut::Unnoticed => {
                close(client);
                hang(server);
            }
            Cut::Deaf => {
                close(server);
                hang(client);
            }
        }
    }
}

/// Its other end hears of it at once, whatever was on its way: when the thread that reads from it
/// has seen that there is no more to come, and has let go of it.
fn reset(end: TcpStream) {
    // It may be gone already.
    let _ = SockRef::from(&end).set_linger(Some(std::time::Duration::ZERO));
    let _ = end.shutdown(Shutdown::Read);
}

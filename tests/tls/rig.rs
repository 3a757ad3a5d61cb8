//! A server and its keys, and a log of what happens.

use std::net::SocketAddr;
use std::time::Duration;

use loopchat::net::{self, Server, Socket};
use loopchat::tls::{self, SecureContext, SecureContextOptions, ServerOptions};
use loopchat::{Context, EventLoop};

use crate::certificates::{Authority, Pair};

/// What the callbacks of a test keep.
#[derive(Default)]
pub struct Seen {
    pub log: Vec<String>,
    pub bytes: Vec<u8>,
    pub count: usize,
}

impl Seen {
    pub fn log(&mut self, line: impl Into<String>) {
        self.log.push(line.into());
    }
}

pub type Cx = Context<Seen>;

/// How long a test may take before it fails: far longer than it does.
const DEADLINE: Duration = Duration::from_secs(60);

pub fn event_loop() -> EventLoop<Seen> {
    let mut event_loop = EventLoop::new().expect("a loop");
    let timer = event_loop.set_timeout(DEADLINE, |seen: &mut Seen, _cx| {
        panic!("it does not come to its end: {:?}", seen.log);
    });
    event_loop.set_timer_ref(timer, false);
    event_loop
}

pub fn run(mut event_loop: EventLoop<Seen>) -> Seen {
    let mut seen = Seen::default();
    event_loop.run(&mut seen).expect("it runs");
    seen
}

pub fn any_port() -> net::Address {
    SocketAddr::from(([127, 0, 0, 1], 0)).into()
}

pub fn context(pair: &Pair) -> SecureContext {
    let options = SecureContextOptions::new().key_and_cert(&pair.key, &pair.cert);
    SecureContext::new(&options).expect("a context")
}

pub fn trusting(authority: &Authority) -> SecureContext {
    let options = SecureContextOptions::new().ca(&authority.cert);
    SecureContext::new(&options).expect("a context")
}

/// A server for `localhost`, and how a client trusts it.
pub fn server(event_loop: &mut EventLoop<Seen>) -> (Server, tls::ConnectOptions) {
    server_with(event_loop, |options| options)
}

pub fn server_with(
    event_loop: &mut EventLoop<Seen>,
    change: impl FnOnce(ServerOptions) -> ServerOptions,
) -> (Server, tls::ConnectOptions) {
    let authority = Authority::new("authority");
    let pair = authority.sign(&["localhost"]);
    let options = change(ServerOptions::new(context(&pair)));
    let server = tls::create_server(event_loop, options).expect("a server");
    let client = tls::ConnectOptions::new()
        .secure_context(trusting(&authority))
        .host("localhost");
    server.listen(event_loop, any_port());
    (server, client)
}

pub fn connect(cx: &mut Cx, server: Server, options: &tls::ConnectOptions) -> Socket {
    let address = server.address(cx).expect("it listens");
    tls::connect(cx, address, options)
}

/// Logs a socket's events under a name, data as text.
pub fn log_events(cx: &mut Cx, name: &'static str, socket: Socket) {
    socket.on_event(cx, move |seen: &mut Seen, _cx, _, event| match event {
        net::Event::Data(bytes) => {
            seen.log(format!("{name} data {}", String::from_utf8_lossy(bytes)));
        }
        net::Event::Error(error) => seen.log(format!("{name} error {}", error.code())),
        net::Event::Close(had_error) => seen.log(format!("{name} close {had_error}")),
        event => seen.log(format!("{name} {}", event.name())),
    });
}

/// Lines of one end.
pub fn of(seen: &Seen, name: &str) -> Vec<String> {
    let own = seen.log.iter().filter_map(|line| line.strip_prefix(name));
    own.map(|line| line.trim().to_owned()).collect()
}

//! What connect() and listen() are told: the own end of a connection, a timeout, one address or all
//! of them; whom the file of a server is open to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use loopchat::net::{Address, ConnectOptions, ListenOptions, Server, Socket};
use loopchat::{Context, net};

use crate::Trace;

type Cx = Context<Trace>;
type Next = Box<dyn FnOnce(&mut Trace, &mut Cx)>;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn at(cx: &Cx, server: Server) -> ConnectOptions<Trace> {
    ConnectOptions::new(("127.0.0.1", server.port(cx)))
}

fn watch(cx: &mut Cx, name: &'static str, c: Socket, next: Next) {
    c.on_lookup(cx, move |out, _, _, found, _| {
        out.log(format!("{name} lookup {}", found.expect("an address")));
    });
    c.on_connection_attempt(cx, move |out, _, _, to| {
        out.log(format!("{name} attempt {}", to.ip()));
    });
    c.on_timeout(cx, move |out, cx, c| {
        out.log(format!("{name} timeout"));
        c.destroy(cx);
    });
    c.on_error(cx, move |out, _, _, e| {
        let text = e.to_string();
        let text = match text.rsplit_once(':') {
            Some((rest, port)) if port.parse::<u16>().is_ok() => format!("{rest}:PORT"),
            _ => text,
        };
        let syscall = e.syscall().unwrap_or_default();
        out.log(format!("{name} {} {syscall} {text}", e.code()));
    });
    c.once_close(cx, move |out, cx, _, had_error| {
        out.log(format!("{name} close {had_error}"));
        next(out, cx);
    });
}

fn local_port(cx: &mut Cx, server: Server, next: Next) {
    let free = net::create_server(cx);
    free.listen_then(cx, ("127.0.0.1", 0), move |_, cx, free| {
        let port = free.port(cx);
        let options = at(cx, server).local_port(port).local_address(HOME);
        let taken = net::create_connection(cx, options);
        let then = move |_: &mut Trace, cx: &mut Cx| {
            free.close_then(cx, move |_, cx, _| {
                let options = at(cx, server).local_port(port);
                let c = net::create_connection(cx, options);
                c.on_connect(cx, move |out, cx, c| {
                    let local = c.local_address(cx).expect("it is connected");
                    let is_it = local.port() == Some(port);
                    let ip = local.ip().expect("it is TCP");
                    out.log(format!("local port {is_it} {ip}"));
                    c.end(cx);
                });
                watch(cx, "port", c, next);
            });
        };
        watch(cx, "taken", taken, Box::new(then));
    });
}

fn local_address(cx: &mut Cx, server: Server, next: Next) {
    let options = at(cx, server).local_address(HOME);
    let c = net::create_connection(cx, options);
    c.on_connect(cx, |out, cx, c| {
        let local = c.local_address(cx).expect("it is connected");
        let ip = local.ip().expect("it is TCP");
        out.log(format!("local address {ip}"));
        c.end(cx);
    });
    let then = move |_: &mut Trace, cx: &mut Cx| {
        let foreign = "192.0.2.1".parse().expect("an address");
        let options = at(cx, server).local_address(foreign);
        let c = net::create_connection(cx, options);
        watch(cx, "foreign", c, next);
    };
    watch(cx, "address", c, Box::new(then));
}

fn timeout(out: &mut Trace, cx: &mut Cx, server: Server, next: Next) {
    let options = at(cx, server).timeout(Duration::from_millis(50));
    let c = net::create_connection(cx, options);
    out.log(format!("timeout {}", c.timeout(cx).as_millis()));
    watch(cx, "idle", c, next);
}

fn dial(
    cx: &mut Cx,
    server: Server,
    name: &'static str,
    how: fn(ConnectOptions<Trace>) -> ConnectOptions<Trace>,
    next: Next,
) {
    let options = ConnectOptions::new(("a.test", server.port(cx)));
    let options = options.lookup(|out: &mut Trace, cx, request| {
        out.log(format!("all={}", request.all));
        let found = match request.all {
            true => vec![HOME, Ipv4Addr::new(127, 0, 0, 2).into()],
            false => vec![HOME],
        };
        cx.set_immediate(move |_, cx| request.answer(cx, Ok(found)));
    });
    let c = net::create_connection(cx, how(options));
    c.on_connect(cx, |_, cx, c| {
        c.end(cx);
    });
    watch(cx, name, c, next);
}

fn families(cx: &mut Cx, server: Server, next: Next) {
    let bound = move |_: &mut Trace, cx: &mut Cx| {
        dial(cx, server, "bound", |how| how.local_address(HOME), next);
    };
    let first = move |_: &mut Trace, cx: &mut Cx| {
        let how = |how: ConnectOptions<Trace>| how.auto_select_family(false);
        dial(cx, server, "first", how, Box::new(bound));
    };
    dial(cx, server, "any", |how| how, Box::new(first));
}

fn modes(cx: &mut Cx, path: PathBuf, mut left: Vec<(bool, bool)>, next: Next) {
    let server = net::create_server(cx);
    let (readable_all, writable_all) = left.remove(0);
    let options = ListenOptions::from(path.as_path());
    let options = options
        .readable_all(readable_all)
        .writable_all(writable_all);
    server.listen_then(cx, options, move |out: &mut Trace, cx, server| {
        let mode = std::fs::metadata(&path).expect("a file").mode();
        let readable = match readable_all {
            true => format!("{:o}", mode & 0o044),
            false => "-".into(),
        };
        let writable = mode & 0o022;
        out.log(format!("mode readable={readable} writable={writable:o}"));
        server.close_then(cx, move |out, cx, _| match left.is_empty() {
            true => next(out, cx),
            false => modes(cx, path, left, next),
        });
    });
}

pub fn main(out: &mut Trace, cx: &mut Cx) {
    let path = out.mkdtemp().join("s");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let server = net::create_server(cx);
    server.on_data(cx, |_, _, _, _| {});
    server.listen_then(cx, Address::from(any), move |_, cx, server| {
        let close = move |_: &mut Trace, cx: &mut Cx| {
            server.close(cx);
        };
        let left = vec![(false, false), (true, false), (false, true), (true, true)];
        let last = move |_: &mut Trace, cx: &mut Cx| modes(cx, path, left, Box::new(close));
        let fourth = move |_: &mut Trace, cx: &mut Cx| families(cx, server, Box::new(last));
        let third = move |out: &mut Trace, cx: &mut Cx| {
            timeout(out, cx, server, Box::new(fourth));
        };
        let second = move |_: &mut Trace, cx: &mut Cx| {
            local_address(cx, server, Box::new(third));
        };
        local_port(cx, server, Box::new(second));
    });
}

//! Requests over TLS: on a connection that is used again, to a server that nobody vouches for, and
//! what is no TLS.

use std::time::Duration;

use loopchat::http::{Agent, AgentOptions, RequestOptions};
use loopchat::{Context, http, https, tls};

use super::keys::{server, trusting};
use crate::Trace;

/// Connections whose handshake was done.
struct Connections(usize);

const ASKED: [(&str, &str); 3] = [
    ("/one", "authority"),
    ("/two", "authority"),
    ("/three", "stranger"),
];

fn ask(
    cx: &mut Context<Trace>,
    server: http::Server,
    agent: Agent,
    known: tls::ConnectOptions,
    place: usize,
) {
    let Some(&(path, ca)) = ASKED.get(place) else {
        let Connections(connections) = server.net().data(cx).expect("they were counted");
        let line = format!("{connections} connections");
        agent.destroy(cx);
        let plain = http::get(
            cx,
            RequestOptions::new()
                .host("127.0.0.1")
                .port(server.port(cx)),
        );
        plain.on_error(cx, |out: &mut Trace, _, _, e| {
            out.log(format!("plain error {}", e.code()));
        });
        plain.on_close(cx, move |_, cx, _| {
            server.close(cx);
            server.close_all_connections(cx);
        });
        cx.next_tick(|out: &mut Trace, _| out.log(line));
        return;
    };
    let tls = match ca {
        "authority" => known.clone(),
        other => trusting(other).server_name("localhost"),
    };
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(path)
        .agent(Some(agent))
        .tls(tls);
    let request = https::get(cx, options);
    request.on_response(cx, |_, cx, _, response| {
        let mut body = String::new();
        let status = response.status_code(cx).unwrap_or_default();
        response.on_event(cx, move |out: &mut Trace, _, _, event| match event {
            http::MessageEvent::Data(d) => body += &String::from_utf8_lossy(d),
            http::MessageEvent::End => out.log(format!("{status} {body}")),
            _ => {}
        });
    });
    request.on_error(cx, |out: &mut Trace, _, _, e| {
        out.log(format!("error {}", e.code()))
    });
    request.on_close(cx, move |_, cx, _| {
        let known = known.clone();
        cx.set_timeout(Duration::from_millis(50), move |_, cx| {
            ask(cx, server, agent, known.clone(), place + 1)
        });
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = https::create_server(cx, server("localhost")).expect("good options");
    server.net().set_data(cx, Connections(0));
    server
        .net()
        .on_secure_connection(cx, move |out: &mut Trace, cx, s| {
            if let Some(Connections(connections)) = server.net().data_mut(cx) {
                *connections += 1;
            }
            let spoken = s.alpn_protocol(cx);
            let spoken = spoken.map_or("false".into(), String::from_utf8_lossy);
            out.log(format!("secureConnection {spoken}"));
        });
    server.on_request(cx, |out: &mut Trace, cx, req, res| {
        let (method, url) = (
            req.method(cx).unwrap_or_default(),
            req.url(cx).unwrap_or_default(),
        );
        let url = url.to_owned();
        out.log(format!(
            "request {method} {url} {}",
            req.socket().encrypted(cx)
        ));
        req.resume(cx);
        res.end_with(cx, format!("you asked for {url}"));
    });
    server.on_client_error(cx, |out: &mut Trace, cx, e, s| {
        out.log(format!("clientError {}", e.code()));
        s.destroy(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let agent = AgentOptions::new().keep_alive(true).max_sockets(Some(1));
        let agent = Agent::new(cx, agent);
        let known = trusting("authority").server_name("localhost");
        ask(cx, server, agent, known, 0);
    });
}

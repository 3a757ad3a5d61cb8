//! A request that looks its host up in its own way: what it is asked for, an address, none, and a
//! connection that is used again.

use loopchat::http::{self, Agent, AgentOptions, RequestOptions, Server};
use loopchat::net::{Error, LookupRequest};
use loopchat::{Context, net};

use crate::Trace;

type Cx = Context<Trace>;

fn found(out: &mut Trace, cx: &mut Cx, request: LookupRequest) {
    out.log(format!("asked for {}", request.host()));
    request.answer(cx, Ok(vec!["127.0.0.1".parse().expect("an address")]));
}

fn none(out: &mut Trace, cx: &mut Cx, request: LookupRequest) {
    out.log(format!("asked in vain for {}", request.host()));
    let error = Error::with_code("ENOTFOUND", "nobody knows");
    request.answer(cx, Err(error));
}

fn ask(
    cx: &mut Cx,
    server: Server,
    name: &'static str,
    lookup: fn(&mut Trace, &mut Cx, LookupRequest),
    agent: Option<Agent>,
    then: impl FnOnce(&mut Cx) + Clone + 'static,
) {
    let options = RequestOptions::new()
        .host(name)
        .port(server.port(cx))
        .lookup(lookup)
        .agent(agent);
    let c = http::get(cx, options);
    let next = then.clone();
    c.once_response(cx, move |_, cx, c, r| {
        r.on_data(cx, move |out, cx, r, d| {
            let (status, reused) = (r.status_code(cx), c.reused_socket(cx));
            let status = status.expect("it is a response");
            let text = String::from_utf8_lossy(d);
            out.log(format!("{name} {status} {text} reused {reused}"));
        });
        let next = next.clone();
        r.once_close(cx, move |_, cx, _| {
            let next = next.clone();
            cx.set_immediate(move |_, cx| next.clone()(cx));
        });
    });
    c.once_error(cx, move |out, cx, _, e| {
        out.log(format!("{name} error {}", e.code()));
        then.clone()(cx);
    });
}

pub fn main(_: &mut Trace, cx: &mut Cx) {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, q, r| {
        let host = q.header(cx, "host").expect("it has one");
        let name = host.rsplit_once(':').expect("a port").0.to_owned();
        r.end_with(cx, format!("{name}:PORT"))
    });
    let agent = Agent::new(cx, AgentOptions::new().keep_alive(true));
    let host: net::ListenOptions = ("127.0.0.1", 0).into();
    server.listen_then(cx, host, move |_, cx, server| {
        ask(cx, server, "a.test", found, Some(agent), move |cx| {
            ask(cx, server, "a.test", none, Some(agent), move |cx| {
                ask(cx, server, "b.test", none, None, move |cx| {
                    agent.destroy(cx);
                    server.close_then(cx, |out, _, _| out.log("server close"));
                });
            });
        });
    });
}

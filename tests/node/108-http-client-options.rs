//! What a request is made with, what it says of itself, and how many an agent has.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;
use loopchat::http::{self, Agent, AgentOptions, ClientRequest, RequestOptions};

use crate::Trace;

type Cases = Rc<RefCell<VecDeque<&'static str>>>;

#[derive(Clone)]
struct Plan {
    server: http::Server,
    agent: Agent,
    cases: Cases,
}

fn agents(cx: &Context<Trace>, agent: Agent) -> String {
    let (used, free) = agent.sockets(cx);
    let requests = agent.requests(cx);
    format!("requests={requests} sockets={used} free={free}")
}

fn state(cx: &Context<Trace>, r: ClientRequest) -> String {
    format!(
        "length={} ended={} finished={}",
        r.writable_length(cx),
        r.writable_ended(cx),
        r.writable_finished(cx)
    )
}

fn fields(out: &mut Trace, cx: &mut Context<Trace>, options: RequestOptions) -> ClientRequest {
    let r = http::request(cx, options.method("POST").header("A", "1"));
    r.append_header(cx, "b", "2").expect("a field");
    r.append_header(cx, "B", "3").expect("a field");
    r.set_no_delay(cx, true);
    r.set_socket_keep_alive(cx, Some(Duration::from_secs(5)));
    let all = r.get_headers(cx).into_iter();
    let all = all
        .filter(|(name, _)| name != "host")
        .map(|(name, values)| {
            let text = |value: &&[u8]| String::from_utf8_lossy(value).into_owned();
            let values: Vec<String> = values.iter().map(text).collect();
            format!("{name}={}", values.join(","))
        });
    out.log(format!("  {}", all.collect::<Vec<_>>().join(" ")));
    out.log(format!("  {}", state(cx, r)));
    r.on_finish(cx, |out, cx, r| {
        out.log(format!("  finish {}", state(cx, r)))
    });
    r.end_with(cx, "body")
}

fn queued(out: &mut Trace, cx: &mut Context<Trace>, plan: &Plan) -> ClientRequest {
    let agent = plan.agent;
    let to = |path: &str| {
        let options = RequestOptions::new().host("127.0.0.1").path(path);
        options.port(plan.server.port(cx)).agent(Some(agent))
    };
    let (first, second) = (to("/1"), to("/2"));
    let first = http::get(cx, first);
    let second = http::get(cx, second);
    second.on_response(cx, move |out, cx, _, res| {
        out.log(format!("  second {}", agents(cx, agent)));
        res.resume(cx);
    });
    let plan = plan.clone();
    second.on_close(cx, move |out, cx, _| {
        out.log(format!("  close {}", agents(cx, agent)));
        let plan = plan.clone();
        cx.set_immediate(move |out, cx| {
            out.log(format!("  idle {}", agents(cx, agent)));
            agent.destroy(cx);
            next(out, cx, &plan);
        });
    });
    out.log(format!("  {}", agents(cx, agent)));
    first
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, plan: &Plan) {
    let Some(name) = plan.cases.borrow_mut().pop_front() else {
        plan.server.close_then(cx, |out, _, _| out.log("closed"));
        return;
    };
    out.log(name);
    let options = RequestOptions::new().host("127.0.0.1").agent(None);
    let options = options.port(plan.server.port(cx)).path(&format!("/{name}"));
    let r = match name {
        "fields" => fields(out, cx, options),
        "nohost" => http::get(cx, options.set_host(false).header("A", "1")),
        "family" => http::get(cx, options.host("localhost").family(4)),
        "local" => http::get(cx, options.local_address([127, 0, 0, 3].into())),
        "large" => http::get(cx, options.max_header_size(300)),
        "fits" => http::get(cx, options.path("/large").max_header_size(3000)),
        _ => queued(out, cx, plan),
    };
    r.on_response(cx, |out, cx, _, res| {
        out.log(format!(
            "  response {}",
            res.status_code(cx).expect("it is there")
        ));
        res.on_end(cx, |out, _, _| out.log("  end"));
        res.resume(cx);
    });
    r.on_error(cx, |out, _, _, error| {
        out.log(format!("  error {}", error.code()))
    });
    let plan = plan.clone();
    r.on_close(cx, move |out, cx, _| {
        out.log("  closed");
        if name != "queued" {
            let plan = plan.clone();
            cx.set_immediate(move |out, cx| next(out, cx, &plan));
        }
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let options = AgentOptions::new().keep_alive(true).max_sockets(Some(1));
    let agent = Agent::new(cx, options);
    let server = http::create_server(cx);
    server.on_request(cx, |out, cx, req, res| {
        let host = req.header(cx, "host").map_or("none", |_| "yes");
        let from = req.socket().remote_address(cx).expect("it is connected");
        let from = from.ip().expect("it is on TCP");
        out.log(format!(
            "  request {} host={host} from={from}",
            req.url(cx).expect("it is there")
        ));
        if req.url(cx) == Some("/large") {
            res.set_header(cx, "Large", "x".repeat(500))
                .expect("a field");
        }
        req.on_end(cx, move |_, cx, _| res.end_with(cx, "ok"));
        req.resume(cx);
    });
    let cases = [
        "fields", "nohost", "family", "local", "large", "fits", "queued",
    ];
    let cases = Rc::new(RefCell::new(VecDeque::from(cases)));
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |out, cx, server| {
        let cases = Rc::clone(&cases);
        let plan = Plan {
            server,
            agent,
            cases,
        };
        next(out, cx, &plan);
    });
}

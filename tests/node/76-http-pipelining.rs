//! Three pipelined requests in one packet: all three 'request' events come at once; responses
//! leave in request order whatever the order in which they are finished; 'finish' of a later
//! response waits for the earlier ones.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::ServerResponse;
use loopchat::{Context, http, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let held = Rc::new(RefCell::new(Vec::<ServerResponse>::new()));
    let server = http::create_server(cx);
    server.on_request(cx, move |out, cx, req, res| {
        let url = req.url(cx).expect("it is there").to_owned();
        out.log(format!("request {url}"));
        res.set_send_date(cx, false);
        let finished = url.clone();
        res.on_finish(cx, move |out, _, _| out.log(format!("finish {finished}")));
        res.on_close(cx, move |out, _, _| out.log(format!("close {url}")));
        held.borrow_mut().push(res);
        let held = held.borrow();
        let &[first, second, third] = &held[..] else {
            return;
        };
        third.end_with(cx, "third");
        out.log("ended 3");
        cx.set_timeout(Duration::from_millis(200), move |out: &mut Trace, cx| {
            second.write(cx, "sec");
            second.end_with(cx, "ond");
            out.log("ended 2");
        });
        cx.set_timeout(Duration::from_millis(400), move |out: &mut Trace, cx| {
            out.log("ending 1");
            first.end_with(cx, "first");
            out.log("ended 1");
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let text = RefCell::new(String::new());
        c.on_data(cx, move |out, cx, c, d| {
            text.borrow_mut().push_str(&String::from_utf8_lossy(d));
            if !text.borrow().ends_with("third") {
                return;
            }
            for l in text.borrow().split("\r\n") {
                out.log(format!("< {l}"));
            }
            c.end(cx);
            server.close_then(cx, |out, _, _| out.log("server close"));
        });
        let urls = ["/1", "/2", "/3"];
        c.write(
            cx,
            urls.map(|u| format!("GET {u} HTTP/1.1\r\nHost: x\r\n\r\n"))
                .concat(),
        );
    });
}

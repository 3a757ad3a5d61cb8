//! keepAliveTimeout: the idle connection is closed by the server 1000 ms LATER than the value set,
//! and the header advertises whole seconds (100 ms gives 0). A fresh connection that never sent a
//! request is not subject to it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, http, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, req, res| {
        let url = req.url(cx).expect("it is there").to_owned();
        res.set_send_date(cx, false);
        res.end_with(cx, url);
    });
    server.set_keep_alive_timeout(cx, Duration::from_millis(100));
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let t0 = cx.now();
        let fresh = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let fresh_closed = Rc::new(Cell::new(false));
        let closed = Rc::clone(&fresh_closed);
        fresh.resume(cx).on_close(cx, move |_, _, _, _| closed.set(true));
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let text = Rc::new(RefCell::new(String::new()));
        let heard = Rc::clone(&text);
        c.on_data(cx, move |_, _, _, d| heard.borrow_mut().push_str(&String::from_utf8_lossy(d)));
        c.on_end(cx, move |out, cx, _| {
            let ms = cx.now() - t0;
            for l in text.borrow().split("\r\n") {
                out.log(format!("< {l}"));
            }
            let (early, late) = (ms >= 1095, ms < 5000);
            let closed = fresh_closed.get();
            out.log(format!(
                "end: not before 1100 ms {early}, before 5000 ms {late}, fresh connection closed {closed}"
            ));
            fresh.destroy(cx);
            server.close_then(cx, |out, _, _| out.log("server close"));
        });
        c.write(cx, "GET /one HTTP/1.1\r\nHost: x\r\n\r\n");
        cx.set_timeout(Duration::from_millis(500), move |out: &mut Trace, cx| {
            out.log(format!("at 500 ms still open {}", !c.destroyed(cx)));
        });
    });
}

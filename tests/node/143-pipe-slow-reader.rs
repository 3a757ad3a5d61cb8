//! pipe() pauses its source while the target takes no more, and resumes it at 'drain'; the source's
//! 'end' ends the target.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

const TOTAL: usize = 24 * 1024 * 1024;

/// Until the source is paused, as the target does not read.
fn wait(cx: &mut Context<Trace>, source: Rc<Cell<Option<net::Socket>>>, slow: net::Socket) {
    cx.set_timeout(Duration::from_millis(100), move |out, cx| {
        if !source.get().is_some_and(|source| source.is_paused(cx)) {
            return wait(cx, Rc::clone(&source), slow);
        }
        out.log("source paused");
        slow.resume(cx);
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let source = Rc::new(Cell::new(None::<net::Socket>));
    let drained = Rc::new(Cell::new(0));
    let target = net::create_server(cx);
    target.set_pause_on_connect(cx, true);
    let piped = Rc::clone(&source);
    target.on_connection(cx, move |_, cx, slow| {
        slow.on_data(cx, |_, _, _, _| {});
        slow.on_end(cx, move |out, cx, slow| {
            out.log(format!("slow end {}", slow.bytes_read(cx)));
            target.close(cx);
        });
        let source = Rc::clone(&piped);
        wait(cx, source, slow);
    });
    let relay = net::create_server(cx);
    relay.set_pause_on_connect(cx, true);
    relay.on_connection(cx, move |out, cx, s| {
        source.set(Some(s));
        let to = net::create_connection(cx, ("127.0.0.1", target.port(cx)));
        let drains = Rc::clone(&drained);
        to.on_drain(cx, move |_, _, _| drains.set(drains.get() + 1));
        to.on_finish(cx, |out, _, _| out.log("relay finish"));
        to.on_close(cx, |out, cx, to, e| {
            out.log(format!("relay close {e} written={}", to.bytes_written(cx)))
        });
        let drained = Rc::clone(&drained);
        s.on_end(cx, move |out, _, _| {
            out.log(format!("source end drained={}", drained.get() > 0))
        });
        let same = s.pipe(cx, to) == to;
        let flowing = s.readable_flowing(cx).unwrap();
        out.log(format!("pipe returns target {same} flowing={flowing}"));
        relay.close(cx);
    });
    target.listen(cx, ("127.0.0.1", 0));
    target.once_listening(cx, move |_, cx, _| {
        relay.listen(cx, ("127.0.0.1", 0));
        relay.once_listening(cx, |_, cx, relay| {
            let c = net::create_connection(cx, ("127.0.0.1", relay.port(cx)));
            c.end_with(cx, vec![0; TOTAL]);
        });
    });
}

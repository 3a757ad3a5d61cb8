//! A failed IPC connect comes in the pending queue: after the ticks and before set_immediate of the
//! same iteration; begun in the check phase or in a timer, before the next poll.

use std::path::{Path, PathBuf};
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn dial(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    name: &'static str,
    nope: &Path,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + Clone + 'static,
) {
    let c = net::create_connection(cx, nope);
    out.log(format!("{name} connecting={}", c.connecting(cx)));
    cx.set_immediate(move |out, _| out.log(format!("{name} immediate")));
    cx.next_tick(move |out, _| out.log(format!("{name} tick")));
    c.on_error(cx, move |out, cx, _, e| {
        out.log(format!("{name} error {}", e.code()));
        cx.next_tick(move |out, _| out.log(format!("{name} tick of error")));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{name} close {e}"));
        let next = next.clone();
        cx.set_timeout(Duration::from_millis(100), move |out, cx| next(out, cx));
    });
}

fn io(
    cx: &mut Context<Trace>,
    dir: PathBuf,
    f: impl FnOnce(&mut Trace, &mut Context<Trace>) + 'static,
) {
    cx.queue_work(move || dir.exists(), |out, cx, _| f(out, cx));
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let dir = out.mkdtemp();
    let nope = dir.join("nope");
    io(cx, dir, move |out, cx| {
        let p = nope.clone();
        dial(out, cx, "poll", &nope, move |_, cx| {
            let nope = p.clone();
            cx.set_immediate(move |out, cx| {
                let p = nope.clone();
                dial(out, cx, "check", &nope, move |_, cx| {
                    let nope = p.clone();
                    cx.set_timeout(Duration::from_millis(1), move |out, cx| {
                        dial(out, cx, "timer", &nope, |out, _| out.log("done"));
                    });
                });
            });
        });
        cx.set_timeout(Duration::ZERO, |out, _| out.log("poll timeout"));
    });
}

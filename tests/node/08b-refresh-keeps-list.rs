//! A refreshed timer that is alone in its list leaves the list where it was in the queue of lists:
//! overdue, it still comes before a list that is due earlier than the timer now is.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let a = cx.set_timeout(Duration::from_millis(40), |out, _| {
        out.log("a, refreshed at 30: due at 70")
    });
    cx.set_timeout(Duration::from_millis(60), |out, _| out.log("b, due at 60"));
    busy(30);
    cx.refresh_timer(a);
    busy(60);
    out.log("main end");
}

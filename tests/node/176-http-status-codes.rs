//! The words that go with each status, and which statuses have none.

use loopchat::Context;
use loopchat::http::status_message;

use crate::Trace;

pub fn main(out: &mut Trace, _: &mut Context<Trace>) {
    for code in 0..1000 {
        if let Some(message) = status_message(code) {
            out.log(format!("{code} {message}"));
        }
    }
}

//! HTTP/1.1: raw bytes in, raw bytes out, on real sockets. Real clients are in `tests/http_echo`.
//!
//! | file | what |
//! | --- | --- |
//! | `malformed.rs` | everything that has to be refused, and that nothing of it is ever handed out |
//! | `splits.rs` | any split of the input has the same outcome |
//! | `requests.rs` | keep-alive, pipelining, HEAD, 204, 304, HTTP/1.0, Expect, misuse |
//! | `lengths.rs` | how the end of a body is told; what is left of one exchange in the next |
//! | `bodies.rs` | bodies both ways, and backpressure both ways |
//! | `paused.rs` | bodies that nobody reads, or that are paused |
//! | `half_closed.rs` | clients that have ended their side and wait for answers |
//! | `limits.rs` | sizes and counts; graceful close |
//! | `deadlines.rs` | when each of the server's deadlines acts, to the millisecond of the loop's time |
//! | `client_deadlines.rs` | the same of clients and agents |
//! | `endless.rs` | what never ends, both ways: how much of it is read |
//! | `giving_up.rs` | refusals, and last responses: what is said to the client comes to it |
//! | `client.rs` | the client: what it sends, errors, malformed responses |
//! | `agent.rs`, `pools.rs` | connections that are used again; how many there are |
//! | `layer.rs` | a protocol of one's own, plugged in the same way |

#[path = "../support/nobody.rs"]
mod nobody;
#[path = "../support/virtual_time.rs"]
mod virtual_time;

mod agent;
mod bodies;
mod client;
mod client_deadlines;
mod deadlines;
mod endless;
mod giving_up;
mod half_closed;
mod layer;
mod lengths;
mod limits;
mod malformed;
mod paused;
mod pools;
mod requests;
mod rig;
mod splits;

//! What those see who look at the server from outside.
//!
//! | file | what |
//! | --- | --- |
//! | `metrics.rs` | what Prometheus reads |
//! | `reports.rs` | what operators ask in the chat |
//! | `loop_view/` | the event loop at work, as `/loop` shows it |

pub(in crate::server) mod loop_view;
pub(in crate::server) mod metrics;
mod reports;

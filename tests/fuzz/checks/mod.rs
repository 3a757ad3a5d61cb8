//! What has to be true of any input. The fuzzer and the test that replays the seeds share these.

pub mod chunked;
mod cuts;
pub mod framing;
pub mod http_head;
mod messages;
pub mod sanitise;
pub mod session;
pub mod web_socket;

/// Whether a character could steer a terminal or turn the order of reading.
fn steers_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}'
            | '\u{61C}' | '\u{2028}' | '\u{2029}')
}

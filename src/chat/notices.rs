//! What the doors have to tell members, in the chat's words: a door knows how fast a member types
//! and reads, and this room knows how the chat speaks.

use super::Line;
use super::listing::counted;
#[cfg(doc)]
use super::{Config, SayKind};

/// For a member to whom `count` [messages](SayKind::Message) were not sent, since it did not read:
/// told once it reads again, before whatever follows. `history` is [`Config::history`], the most
/// that it can ask for.
///
/// ```
/// let line = loopchat::chat::skipped(1234, 200);
/// assert_eq!(
///     &*line,
///     "* 1234 lines were skipped while you were not reading; /history 200 shows the last."
/// );
/// ```
pub fn skipped(count: usize, history: usize) -> Line {
    let lines = counted(count, ("line was", "lines were"));
    let advice = match count.min(history) {
        0 => String::new(),
        some => format!("; /history {some} shows the last"),
    };
    format!("* {lines} skipped while you were not reading{advice}.").into()
}

/// For the author of a private message that was not delivered, since `nickname` does not keep up.
///
/// ```
/// let line = loopchat::chat::undelivered("bob");
/// assert_eq!(&*line, "! Not delivered: bob reads too slowly.");
/// ```
pub fn undelivered(nickname: &str) -> Line {
    format!("! Not delivered: {nickname} reads too slowly.").into()
}

/// For a member to whom `count` private messages were not delivered, since it did not keep up:
/// told with [`skipped`], and their authors know.
///
/// ```
/// let line = loopchat::chat::missed(1);
/// assert_eq!(&*line, "* 1 private message was not delivered while you were not reading.");
/// ```
pub fn missed(count: usize) -> Line {
    let messages = counted(count, ("private message was", "private messages were"));
    format!("* {messages} not delivered while you were not reading.").into()
}

/// For a member whose telnet client asks whether anybody is there.
///
/// ```
/// assert_eq!(&*loopchat::chat::here(), "* The server is here.");
/// ```
pub fn here() -> Line {
    "* The server is here.".into()
}

/// For a member who says more than the `per_second` lines that are taken from it in a second: told
/// once, when its lines begin to wait.
///
/// ```
/// let line = loopchat::chat::flooding(10);
/// assert_eq!(
///     &*line,
///     "* You are typing faster than 10 lines a second: your lines arrive, slowly."
/// );
/// ```
pub fn flooding(per_second: u32) -> Line {
    let lines = counted(per_second as usize, ("line", "lines"));
    format!("* You are typing faster than {lines} a second: your lines arrive, slowly.").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_what_history_can_give() {
        for (count, history, said) in [
            (
                1,
                200,
                "1 line was skipped while you were not reading; /history 1 shows the last.",
            ),
            (5, 0, "5 lines were skipped while you were not reading."),
        ] {
            assert_eq!(*skipped(count, history), format!("* {said}"));
        }
    }
}

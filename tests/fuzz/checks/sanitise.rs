//! What is taken out of a text before another terminal shows it.

use loopchat::chat::sanitise;

use super::steers_a_terminal;

/// Nothing that steers a terminal is left, all that is harmless is, in order; doing it twice changes
/// nothing more.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let clean = sanitise(&text);
    assert!(!clean.chars().any(steers_a_terminal), "{clean:?}");
    assert_eq!(sanitise(&clean), clean);
    assert_eq!(clean.trim_end(), &*clean);
    let visible = |text: &str| -> String {
        let shown = |c: &char| !steers_a_terminal(*c) && !c.is_whitespace();
        text.chars().filter(shown).collect()
    };
    assert_eq!(visible(&clean), visible(&text));
}

//! What is taken out of a text before another terminal shows it.

use loopchat::chat::sanitise;

use super::steers_a_terminal;

/// Nothing that steers a terminal is left, nor what is made to look like another line; all that is
/// harmless is, in order; it is no longer than it was; doing it twice changes nothing more.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let clean = sanitise(&text);
    assert!(!clean.chars().any(steers_a_terminal), "{clean:?}");
    assert_eq!(sanitise(&clean), clean);
    assert_eq!(clean.trim_end(), &*clean);
    assert!(clean.len() <= text.len());
    let harmless = |text: &str| -> String { text.chars().filter(is_harmless).collect() };
    assert_eq!(harmless(&clean), harmless(&text));
    assert!(clean.is_empty() || !clean.chars().all(|c| is_blank(c) || is_unseen(c)));
    // What stands between two characters that can be seen is bounded, in width and in height. The
    // text stands behind a name.
    let line = format!("guest7: {clean}");
    let pieces = line.split(|c| !is_blank(c) && !is_unseen(c) && !is_accent(c));
    for piece in pieces {
        let blanks = piece.chars().filter(|c| is_blank(*c)).count();
        assert!(blanks <= 8, "{line:?}");
        for pile in piece.split(is_blank) {
            let accents = pile.chars().filter(|c| is_accent(*c)).count();
            assert!(accents <= 4 && pile.chars().count() <= 8, "{line:?}");
        }
    }
}

/// Letters and signs that are never taken out.
fn is_harmless(c: &char) -> bool {
    c.is_ascii_graphic()
        || matches!(c, '\u{A1}'..='\u{AC}' | '\u{400}'..='\u{482}' | '\u{4E00}'..='\u{9FFF}' | '😀'..='🙏')
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{115F}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}')
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{34E}' | '\u{350}'..='\u{36F}')
}

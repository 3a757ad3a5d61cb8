//! What is taken out of a text before anyone else's terminal sees it.
//!
//! A terminal obeys control characters, and a reader believes the order of the letters: neither may
//! be in the hands of another member. What remains is the text as it was typed; emoji keep the
//! joiners and variation selectors that hold them together.

use std::borrow::Cow;

/// `text` without what could steer a terminal or turn the reading order, and without trailing blanks.
///
/// Removed: the C0 controls and DEL, the C1 controls U+0080 to U+009F, and the bidirectional controls.
/// A tab and the separators U+2028 and U+2029 become a space. Nothing is copied when nothing changes.
///
/// ```
/// use loopchat::chat::sanitise;
///
/// assert_eq!(sanitise("\x1b[31mred\talert\u{202E}  "), "[31mred alert");
/// ```
pub fn sanitise(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    // Most lines are plain ASCII: one pass over bytes that the compiler vectorises.
    let plain = text
        .bytes()
        .fold(true, |plain, byte| plain & (0x20..0x7F).contains(&byte));
    if plain || text.chars().all(|c| shown_as(c) == Some(c)) {
        return Cow::Borrowed(text);
    }
    let mut clean: String = text.chars().filter_map(shown_as).collect();
    clean.truncate(clean.trim_end().len());
    Cow::Owned(clean)
}

/// What stands for `c` in a sanitised text, if anything does.
fn shown_as(c: char) -> Option<char> {
    match c {
        '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        // `is_control` is C0, DEL and C1.
        _ if c.is_control() => None,
        '\u{061C}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' => None,
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clean_text_is_borrowed() {
        for text in ["", "plain", "  indented", "žluťoučký kůň", "👩‍👩‍👧 ❤️", "سلام"]
        {
            assert!(matches!(sanitise(text), Cow::Borrowed(same) if same == text));
        }
        // Trimming needs no copy either.
        assert!(matches!(sanitise("trim \t "), Cow::Borrowed("trim")));
    }

    #[test]
    fn controls_go_and_separators_become_spaces() {
        assert_eq!(sanitise("\x1b]0;title\x07x"), "]0;titlex");
        assert_eq!(sanitise("a\u{9B}31mb\x7Fc\0d"), "a31mbcd");
        assert_eq!(sanitise("a\tb\u{2028}c\u{2029}d"), "a b c d");
        assert_eq!(sanitise("a\r\nb\n"), "ab");
        assert_eq!(
            sanitise("\u{202A}\u{202E}\u{2066}\u{2069}\u{200E}\u{200F}\u{61C}é"),
            "é"
        );
    }

    #[test]
    fn neighbours_of_what_is_removed_stay() {
        for c in [
            '\u{20}', '\u{7E}', '\u{A0}', '\u{200D}', '\u{2010}', '\u{2027}', '\u{202F}',
            '\u{2065}', '\u{206A}', '\u{61B}', '\u{61D}',
        ] {
            assert_eq!(sanitise(&format!("{c}.")), format!("{c}."), "{c:?}");
        }
    }

    #[test]
    fn blanks_uncovered_by_a_removal_are_trimmed() {
        assert_eq!(sanitise("x \u{202E} \x1b"), "x");
        assert_eq!(sanitise(" \x07 "), "");
    }

    proptest! {
        #[test]
        fn sanitising_twice_changes_nothing_more(text in ".*[\\x00-\\x1f\u{80}-\u{9f}\u{202a}-\u{202e}]?.*") {
            let once = sanitise(&text).into_owned();
            prop_assert!(!once.chars().any(char::is_control));
            let again = sanitise(&once);
            prop_assert!(matches!(again, Cow::Borrowed(same) if same == once));
        }
    }
}

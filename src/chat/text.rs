//! What is taken out of a text before anyone else's terminal sees it.
//!
//! A terminal obeys control characters, and a reader believes the order of the letters and the
//! ends of the lines: none of it may be in the hands of another member. What remains is the text
//! as it was typed; emoji keep the joiners and variation selectors that hold them together.

use std::borrow::Cow;

use super::characters::{Shows, is_general_accent};

/// More blanks in a row than this would let a message look like two lines wherever the terminal
/// wraps it.
const BLANKS_IN_A_ROW: usize = 8;
/// Marks, joiners, selectors and tags that one character may carry. Hebrew with its cantillation
/// needs five, the flag of a region seven, the largest stack of Tibetan eight.
const CARRIED: usize = 8;
/// Those among them that are general accents. Vietnamese needs two, polytonic Greek three.
const ACCENTS: usize = 4;

/// `text` without what could steer a terminal, turn the reading order, or pass for what it is not.
/// What is empty then has nothing to see in it.
///
/// - Removed are the C0 controls and DEL, the C1 controls U+0080 to U+009F, and the bidirectional
///   controls. A tab and the separators U+2028 and U+2029 become a space.
/// - Of more than eight blanks in a row (of any kind, and of seven at the start) the rest is
///   removed; so is what cannot be seen at all and stands behind a blank, and everything behind
///   the last character that can be seen.
/// - Of what one character carries (marks, joiners, variation selectors, tags) eight are kept, of
///   general accents four.
///
/// Doing it twice changes nothing more. Nothing is copied when nothing changes, the cost is one
/// look at each character, and the result is never longer than the text.
///
/// ```
/// use loopchat::chat::sanitise;
///
/// assert_eq!(sanitise("\x1b[31mred\talert\u{202E}  "), "[31mred alert");
/// assert_eq!(sanitise("\u{3164}\u{200B}"), "");
/// ```
pub fn sanitise(text: &str) -> Cow<'_, str> {
    let text = text.trim_end();
    // Most lines are plain ASCII: one pass over bytes that the compiler vectorises.
    let plain = text
        .bytes()
        .fold(true, |plain, byte| plain & (0x20..0x7F).contains(&byte));
    if plain && !has_wide_gap(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    Sieve::default().sift(text)
}

/// Whether more blanks are in a row than may stay, or so many. Nearly always there are not even two,
/// which is known without a branch for each byte.
fn has_wide_gap(text: &[u8]) -> bool {
    let pairs = text.iter().zip(text.get(1..).unwrap_or_default());
    let both_blank = |(&one, &next)| u8::from(one == b' ') & u8::from(next == b' ');
    let has_two = pairs.map(both_blank).fold(0, |found, is| found | is) != 0;
    let is_gap = |bytes: &[u8]| bytes.iter().all(|&byte| byte == b' ');
    has_two && text.windows(BLANKS_IN_A_ROW).any(is_gap)
}

/// Decides of one character after the other whether it stays. What does not stay leaves no trace in
/// it, so that what has gone through once goes through again as it is.
struct Sieve {
    /// Blanks that have stayed since the last character with something to see.
    blanks: usize,
    /// What the last character with a place of its own carries.
    carried: usize,
    accents: usize,
}

impl Default for Sieve {
    fn default() -> Self {
        Self {
            blanks: 1, // a text stands behind `nick: `
            carried: 0,
            accents: 0,
        }
    }
}

impl Sieve {
    fn sift(mut self, text: &str) -> Cow<'_, str> {
        let mut clean: Option<String> = None;
        // Where the first character went that did not stay, and where what can be seen has ended.
        let (mut changed, mut end) = (text.len(), 0);
        for (at, c) in text.char_indices() {
            let shown = shown_as(c).filter(|shown| self.stays(*shown));
            if shown != Some(c) {
                clean.get_or_insert_with(|| {
                    changed = at;
                    let mut copy = String::with_capacity(text.len());
                    copy.push_str(&text[..at]);
                    copy
                });
            }
            if let (Some(copy), Some(shown)) = (&mut clean, shown) {
                copy.push(shown);
            }
            if self.blanks == 0 {
                end = clean.as_ref().map_or(at + c.len_utf8(), String::len);
            }
        }
        match clean {
            Some(mut copy) if end > changed => {
                copy.truncate(end);
                Cow::Owned(copy)
            }
            _ => Cow::Borrowed(&text[..end]),
        }
    }

    fn stays(&mut self, c: char) -> bool {
        match Shows::of(c) {
            Shows::Itself => {
                *self = Self {
                    blanks: 0,
                    carried: 0,
                    accents: 0,
                };
                true
            }
            Shows::Blank => {
                let stays = self.blanks < BLANKS_IN_A_ROW;
                if stays {
                    *self = Self {
                        blanks: self.blanks + 1,
                        carried: 0,
                        accents: 0,
                    };
                }
                stays
            }
            Shows::Nothing => {
                let stays = self.blanks == 0 && self.carried < CARRIED;
                self.carried += usize::from(stays);
                stays
            }
            Shows::Mark => {
                let accent = is_general_accent(c);
                let stays = self.carried < CARRIED && !(accent && self.accents == ACCENTS);
                self.carried += usize::from(stays);
                self.accents += usize::from(stays && accent);
                stays
            }
        }
    }
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
        for text in [
            "",
            "plain",
            "  indented",
            "žluťoučký kůň",
            "👩‍👩‍👧 ❤️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "سلام",
            "می‌خواهم",
            "a       b",
        ] {
            assert!(matches!(sanitise(text), Cow::Borrowed(same) if same == text));
        }
        // Trimming needs no copy either.
        for text in [
            "trim \t ",
            "trim \u{3000}\u{A0}\u{200B}",
            "trim \u{2800}\u{3164}\u{301}",
        ] {
            assert!(matches!(sanitise(text), Cow::Borrowed("trim")), "{text:?}");
        }
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
            assert_eq!(sanitise(&format!("a{c}.")), format!("a{c}."), "{c:?}");
        }
    }

    #[test]
    fn blanks_uncovered_by_a_removal_are_trimmed() {
        assert_eq!(sanitise("x \u{202E} \x1b"), "x");
        assert_eq!(sanitise(" \x07 "), "");
    }

    #[test]
    fn what_cannot_be_seen_is_no_text() {
        for c in "\u{AD}\u{34F}\u{61C}\u{115F}\u{1160}\u{17B4}\u{180E}\u{200B}\u{200D}\u{2060}\u{2062}\u{2800}\
            \u{3000}\u{3164}\u{A0}\u{FE0F}\u{FEFF}\u{FFA0}\u{FFF9}\u{1D159}\u{1D173}\u{13441}\u{E0001}\u{E0041}\
            \u{E0100}"
            .chars()
        {
            for text in [c.to_string(), format!(" {c} {c}"), c.to_string().repeat(999)] {
                assert_eq!(sanitise(&text), "", "{c:?}");
                let mixed = format!("\u{200B}{text}\u{3164}");
                assert_eq!(sanitise(&mixed), "", "{c:?}");
                assert_eq!(sanitise(&format!("/me {text}")), "/me", "{c:?}");
            }
        }
        assert_eq!(sanitise("\u{301}\u{323}"), "", "accents of nothing");
    }

    /// The longest run of blanks, with what cannot be seen between them.
    fn gap(text: &str) -> usize {
        let mut longest = 0;
        let mut run = 0;
        for c in text.chars() {
            match Shows::of(c) {
                Shows::Itself => run = 0,
                Shows::Blank => run += 1,
                Shows::Mark | Shows::Nothing => {}
            }
            longest = longest.max(run);
        }
        longest
    }

    #[test]
    fn a_gap_is_no_wider_than_eight_blanks() {
        for blank in [
            " ",
            "\t",
            "\u{3000}",
            "\u{A0}",
            "\u{2003}",
            "\u{2800}",
            "\u{3164}",
            " \u{200B}",
            "\u{200D} ",
            " \u{301}",
            "\u{2028}",
            "\u{205F}\u{FE0F}",
        ] {
            for count in [9, 80, 4000] {
                let text = format!("hello{}bob: I quit", blank.repeat(count));
                let clean = sanitise(&text);
                assert_eq!(gap(&clean), BLANKS_IN_A_ROW, "{clean:?}");
                assert!(clean.starts_with("hello") && clean.ends_with("bob: I quit"));
                let line = format!("alice: {}", sanitise(&text["hello".len()..]));
                assert_eq!(gap(&line), BLANKS_IN_A_ROW, "{line:?}");
            }
        }
    }

    #[test]
    fn real_writing_keeps_its_marks() {
        for text in [
            "Tiê\u{301}ng Viê\u{323}t nghie\u{302}\u{303}",
            "ᾧ α\u{314}\u{342}\u{345}",
            "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים שּׁ\u{5B8}\u{591}",
            "น้ำ ที่ ปู่",
            "\u{F67}\u{F90}\u{FB5}\u{FA8}\u{FB3}\u{FBA}\u{FBC}\u{FBB}\u{F82}",
            "བསྒྲུབས་",
            "ကျွန်ုပ် ယောက်ျား",
            "मैं र्कि ज़िन्दगी",
            "العَرَبِيَّةُ ٱلرَّحْمَٰنِ",
            "ខ្ញុំ ស្ត្រី",
            "\u{1112}\u{1161}\u{11AB} 가각",
            "க்ஷௌ",
        ] {
            assert_eq!(sanitise(text), text);
        }
    }

    #[test]
    fn marks_do_not_pile_up() {
        for (mark, most) in [
            ("\u{301}", ACCENTS),
            ("\u{489}", CARRIED),
            ("\u{200D}", CARRIED),
            ("\u{FE0F}", CARRIED),
            ("\u{E0041}", CARRIED),
            ("\u{1161}", CARRIED),
        ] {
            let clean = sanitise(&format!("x{}y", mark.repeat(1000))).into_owned();
            assert_eq!(clean, format!("x{}y", mark.repeat(most)), "{mark:?}");
        }
        // What is between them does not begin a new pile.
        let clean = sanitise(&format!("x{}y", "\u{301}\u{200D}\u{34F}".repeat(100))).into_owned();
        assert_eq!(clean.chars().count(), 2 + CARRIED);
        let clean = sanitise(&format!("x {}", "\u{301}".repeat(100) + "y")).into_owned();
        assert_eq!(clean.chars().count(), 3 + ACCENTS);
    }

    /// Characters of all kinds, the dangerous ones often.
    fn hostile() -> impl Strategy<Value = String> {
        let kinds = prop_oneof![
            4 => any::<char>(),
            2 => proptest::char::range(' ', '~'),
            2 => prop_oneof![Just(' '), Just('\t'), Just('\u{3000}'), Just('\u{2800}'), Just('\u{3164}')],
            2 => prop_oneof![Just('\u{301}'), Just('\u{489}'), Just('\u{5B0}'), Just('\u{1161}')],
            2 => prop_oneof![Just('\u{200B}'), Just('\u{200D}'), Just('\u{FE0F}'), Just('\u{E0041}')],
            1 => prop_oneof![Just('\u{202E}'), Just('\x1b'), Just('\u{9B}'), Just('\u{2028}'), Just('\n')],
        ];
        let runs = (kinds, 1..20_usize).prop_map(|(c, count)| String::from_iter(vec![c; count]));
        proptest::collection::vec(runs, 0..30).prop_map(|runs| runs.concat())
    }

    proptest! {
        #[test]
        fn what_is_left_is_clean_and_stays_so(text in hostile()) {
            let once = sanitise(&text).into_owned();
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert!(once.len() <= text.len());
            prop_assert!(gap(&once) <= BLANKS_IN_A_ROW);
            let can_be_seen = |text: &str| text.chars().any(|c| Shows::of(c) == Shows::Itself);
            prop_assert!(once.is_empty() || can_be_seen(&once), "{once:?}");
            let again = sanitise(&once);
            prop_assert!(matches!(again, Cow::Borrowed(same) if same == once));
            // Whatever can be seen is there, in order.
            let seen = |text: &str| -> String {
                let stays = |c: &char| Shows::of(*c) == Shows::Itself && !c.is_control();
                text.chars().filter(stays).collect()
            };
            prop_assert_eq!(seen(&once), seen(&text));
            // Behind a nickname it is still clean.
            let line = format!("guest7: {once}");
            let line = line.trim_end();
            prop_assert_eq!(sanitise(line), line);
        }

        /// Each character is decided on from what has stayed before it: nothing is looked at twice.
        #[test]
        fn a_longer_text_begins_as_the_shorter_one(start in hostile(), rest in hostile()) {
            let short = sanitise(&start).into_owned();
            let long = sanitise(&format!("{start}{rest}")).into_owned();
            prop_assert!(long.starts_with(&short));
        }
    }
}

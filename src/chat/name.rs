//! What may be the name of a member or a room, and when two names are the same.
//!
//! A name stands alone at the start of other people's lines, so it is held to more than a text is:
//! nothing invisible, nothing that turns the reading order, no heap of accents that smears over
//! the lines above, no mixture of scripts and no sign that would pass for another line's. What
//! breaks a rule is refused, never repaired: a repaired name would surprise its owner.

use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::net::Ipv4Addr;
use std::ops::Deref;

use ecow::{EcoString, eco_format};

use super::characters::{Shows, is_general_accent};
use super::look_alikes::{Keys, double_in_protocol, is_phonetic, mixes_scripts};
use super::unicode::{is_combining_mark, nfc, nfkc, parts, plain};

/// Vietnamese and polytonic Greek need two marks on a letter, Hebrew and Thai three.
const MARKS_IN_A_ROW: usize = 3;
/// What is longer than so many times the limit is too long however it is written: no character of a
/// name is made of more than so many.
const CHARACTERS_IN_ONE: usize = 4;
/// So many times the limit are the letters and accents that a name may be made of: an accent on
/// each letter. What is done with a name costs what it costs for each of them.
const PARTS_IN_ONE: usize = 2;
/// Digits that the first names have which are suggested for one that is taken.
const DIGITS: usize = 2;

/// A good name, as its owner wrote it, in Unicode's composed form (NFC).
///
/// Up to fifteen bytes it is kept in place; a longer one is shared by its copies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(EcoString);

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name. Reads on from "A nickname ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadName {
    /// It is empty, or too long.
    Length {
        /// Characters it may have.
        limit: usize,
    },
    /// No name has this character.
    Character(char),
    /// It begins with a sign that may only stand inside.
    Start,
    /// It has a letter that looks like a sign of the protocol.
    Double {
        /// The letter.
        letter: char,
        /// The sign.
        of: char,
    },
    /// It has too many accents in a row.
    Marks,
    /// It has too many letters and accents, each counted for itself.
    Parts {
        /// As many as it may have.
        limit: usize,
    },
    /// It mixes scripts.
    Scripts,
    /// It is an address.
    Address,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadName::Length { limit } => write!(f, "has 1 to {limit} characters"),
            BadName::Character(c) => {
                write!(f, "is made of letters, digits, _, - and . only, not ")?;
                // Whatever is not plainly visible is named by its number.
                match c.is_ascii_graphic() {
                    true => write!(f, "{c}"),
                    false => write!(f, "U+{:04X}", u32::from(*c)),
                }
            }
            BadName::Start => write!(f, "begins with a letter, a digit or _"),
            BadName::Double { letter, of } => {
                let letter = u32::from(*letter);
                write!(f, "has no U+{letter:04X}, which looks like {of}")
            }
            BadName::Scripts => write!(
                f,
                "is in one script (beside Japanese, Chinese and Korean, Latin may stand)"
            ),
            BadName::Parts { limit } => write!(
                f,
                "has at most {limit} letters and accents, each counted for itself"
            ),
            BadName::Address => write!(f, "is not an address"),
            BadName::Marks => write!(
                f,
                "has at most {MARKS_IN_A_ROW} accents in a row, and none at its start"
            ),
        }
    }
}

impl Name {
    /// Checks what someone typed as a name of at most `limit` characters. The cost is bounded by
    /// the limit, not by the text.
    pub(super) fn new(text: &str, limit: usize) -> Result<Name, BadName> {
        Self::with_fold(text, limit).map(|(name, _)| name)
    }

    /// The same, with the form it is [compared](fold) by, which had to be made for it.
    pub(super) fn with_fold(text: &str, limit: usize) -> Result<(Name, String), BadName> {
        check_size(text, limit)?;
        let shown: EcoString = nfc(text).collect();
        let mut length = 0;
        // A mark at the start is one that has used up its row.
        let mut marks = MARKS_IN_A_ROW;
        for c in shown.chars() {
            length += 1;
            if length > limit {
                return Err(BadName::Length { limit });
            }
            if !is_name_character(c) {
                return Err(BadName::Character(c));
            }
            if c.is_ascii() {
                marks = 0;
                continue;
            }
            // A vowel of Korean alone is one, too.
            let is_mark = Shows::of(c) == Shows::Mark;
            marks = if is_mark { marks + 1 } else { 0 };
            if marks > MARKS_IN_A_ROW {
                return Err(BadName::Marks);
            }
            if is_phonetic(c) {
                return Err(BadName::Character(c));
            }
            for letter in plain(c) {
                if letter != c && !is_name_character(letter) {
                    return Err(BadName::Character(c));
                }
                if let Some(of) = double_in_protocol(letter) {
                    return Err(BadName::Double { letter: c, of });
                }
            }
        }
        if length == 0 {
            return Err(BadName::Length { limit });
        }
        if shown.starts_with(['-', '.']) {
            return Err(BadName::Start);
        }
        let folded = fold(&shown).into_owned();
        if !folded.is_ascii() && (mixes_scripts(&shown) || mixes_scripts(&folded)) {
            return Err(BadName::Scripts);
        }
        if is_address(&folded) {
            return Err(BadName::Address);
        }
        Ok((Name(shown), folded))
    }

    /// A name the chat made up: known to be good, whatever the limit.
    pub(super) fn generated(text: EcoString) -> Name {
        let name = Name(text);
        debug_assert_eq!(Name::new(&name, usize::MAX), Ok(name.clone()));
        name
    }

    /// Names like this one with a number at the end, none longer than `limit`, and their keys:
    /// what to try when the name is taken. The numbers grow faster and faster, so that taking them
    /// all in advance is no way to make the search long.
    ///
    /// Neither are the names checked again nor their keys made anew: what begins a good name and
    /// ends in digits is one, unless it is an address, and a number adds its own to a key. The
    /// beginning leaves room for two digits from the start, so the cost is that of one name's keys
    /// until the numbers have three.
    pub(super) fn alternatives(&self, limit: usize) -> impl Iterator<Item = (Name, Keys)> {
        let stem = match self.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "" => &**self,
            stem => stem,
        };
        let mut beginning: Option<(&str, Cow<'_, str>, Keys)> = None;
        let numbers = iter::successors(Some(2_u32), |n| n.checked_add(n.div_ceil(3)));
        numbers.filter_map(move |number| {
            let number = number.to_string();
            let room = match number.len() <= limit {
                true => limit.saturating_sub(number.len().max(DIGITS)),
                false => return None,
            };
            let cut = stem
                .char_indices()
                .nth(room)
                .map_or(stem.len(), |(at, _)| at);
            let same = beginning.take().filter(|(stem, ..)| stem.len() == cut);
            let (stem, folded, keys) = beginning.insert(same.unwrap_or_else(|| {
                let stem = &stem[..cut];
                let folded = fold(stem);
                let keys = Keys::new(stem, &folded);
                (stem, folded, keys)
            }));
            if is_address(&format!("{folded}{number}")) {
                return None;
            }
            let name = Name(eco_format!("{stem}{number}"));
            Some((name, keys.followed_by(&number)))
        })
    }
}

/// Says of a text that it is longer than any spelling of a name, before anything is made of it.
fn check_size(text: &str, limit: usize) -> Result<(), BadName> {
    let longest = limit.saturating_mul(CHARACTERS_IN_ONE);
    if text.chars().nth(longest).is_some() {
        return Err(BadName::Length { limit });
    }
    let most = limit.saturating_mul(PARTS_IN_ONE);
    // What is composed of more than it may be is not taken apart to its end.
    let mut sums = text.chars().map(parts).scan(0_usize, |sum, parts| {
        *sum += parts;
        Some(*sum)
    });
    if text.is_ascii() || !sums.any(|sum| sum > most) {
        return Ok(());
    }
    let letters = text.chars().filter(|c| !is_general_accent(*c)).count();
    Err(match letters > limit {
        true => BadName::Length { limit },
        false => BadName::Parts { limit: most },
    })
}

/// Whether a folded name is an address: an order against one must not mean a member, nor the other
/// way round.
fn is_address(folded: &str) -> bool {
    folded.parse::<Ipv4Addr>().is_ok()
}

/// A text folded, if it can be a name of at most `limit` characters, or another spelling of one,
/// of which some are longer. What cannot need not be looked for, which costs more than to see it.
pub(super) fn fold_if_meant(text: &str, limit: usize) -> Option<Cow<'_, str>> {
    check_size(text, limit).ok()?;
    if !text.chars().all(is_name_character) {
        return None;
    }
    if text.is_ascii() {
        return Some(fold(text));
    }
    let mut plain = String::new();
    for c in nfkc(text.chars()) {
        // Some single letters are whole phrases, spaces included, or blanks in disguise.
        if !is_name_character(c) {
            return None;
        }
        plain.push(c);
    }
    Some(Cow::Owned(without_case(plain)))
}

/// The form names are compared by: without case, and with compatibility characters (full width,
/// ligatures, circled letters) as the plain ones they look like.
///
/// Lower, upper and lower again, because one step leaves some letters apart that differ in case
/// only: the two small sigmas, the two sharp s.
pub(super) fn fold(name: &str) -> Cow<'_, str> {
    if !name.is_ascii() {
        return Cow::Owned(without_case(nfkc(name.chars()).collect()));
    }
    // Most names, `guest7` among them, are their own fold.
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// The second half of that.
fn without_case(plain: String) -> String {
    let lower = plain.chars().flat_map(char::to_lowercase);
    let folded: String = lower
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    // Most scripts know no case, and most names are in small letters.
    match folded == plain {
        true => plain,
        false => nfkc(folded.chars()).collect(),
    }
}

fn is_name_character(c: char) -> bool {
    match Shows::of(c) {
        Shows::Itself => matches!(c, '_' | '-' | '.') || c.is_alphanumeric(),
        Shows::Mark => c.is_alphanumeric() || is_combining_mark(c),
        // Unicode counts some of them as letters or marks.
        Shows::Blank | Shows::Nothing => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::new(text, 24).unwrap_or_else(|bad| panic!("{text:?}: {bad}"))
    }

    fn refusal(text: &str) -> BadName {
        Name::new(text, 24).expect_err(text)
    }

    #[test]
    fn letters_and_digits_of_any_script_are_welcome() {
        for text in [
            "alice",
            "Bob_7",
            "_.-",
            "0",
            "žofie",
            "Ελένη",
            "ניקוד",
            "हिन्दी",
            "ไทยน้ำ",
            "한글",
            "山田.太郎",
            "٣٤",
        ] {
            assert_eq!(*name(text), *text);
        }
    }

    #[test]
    fn what_nobody_sees_is_refused() {
        for c in "\u{34F}\u{115F}\u{1160}\u{3164}\u{FFA0}\u{17B4}\u{17B5}\u{180B}\u{180C}\u{180D}\
            \u{180E}\u{180F}\u{FE00}\u{FE0F}\u{16FE4}\u{E0001}\u{E0100}\u{E01EF}\u{AD}\u{200B}\u{200C}\
            \u{200D}\u{200E}\u{202E}\u{2066}\u{2060}\u{61C}\u{FEFF}\u{2800}\u{A0}\u{3000} \t\u{7F}\u{9B}"
            .chars()
        {
            assert_eq!(refusal(&format!("a{c}b")), BadName::Character(c));
        }
    }

    #[test]
    fn letters_that_are_more_than_a_letter_are_refused() {
        for c in [
            '\u{FDFA}', '\u{FE70}', '½', '⑴', '!', '#', '@', '/', ':', '>', '*', '😀',
        ] {
            assert_eq!(refusal(&c.to_string()), BadName::Character(c));
        }
    }

    #[test]
    fn a_name_does_not_pass_for_another_line() {
        for text in ["-", "-bob", ".bob", "-.-", "--"] {
            assert_eq!(refusal(text), BadName::Start, "{text}");
        }
        for (text, letter, of) in [
            ("bobꓽ", 'ꓽ', ':'),
            ("ǃDisconnected", 'ǃ', '!'),
            ("ᕯᕯ", 'ᕯ', '*'),
        ] {
            assert_eq!(refusal(text), BadName::Double { letter, of }, "{text}");
        }
        assert_eq!(refusal("аlice"), BadName::Scripts);
        assert_eq!(
            refusal("𝛼lice"),
            BadName::Scripts,
            "a Greek letter of mathematics"
        );
        assert_eq!(refusal("ᴀʟɪᴄᴇ"), BadName::Character('ᴀ'));
    }

    #[test]
    fn a_long_text_is_too_long_before_anything_is_made_of_it() {
        for letter in ["a", "\u{FDFA}", "z\u{30C}", "\u{1F82}"] {
            assert_eq!(
                refusal(&letter.repeat(100_000)),
                BadName::Length { limit: 24 }
            );
        }
    }

    #[test]
    fn the_length_counts_characters() {
        assert_eq!(refusal(""), BadName::Length { limit: 24 });
        assert_eq!(name(&"ž".repeat(24)).chars().count(), 24);
        assert_eq!(refusal(&"ž".repeat(25)), BadName::Length { limit: 24 });
        // Decomposed it has 48, but that is not how it is stored.
        assert_eq!(*name(&"z\u{30C}".repeat(24)), *"ž".repeat(24));
    }

    #[test]
    fn letters_have_as_many_accents_as_they_may_be_themselves() {
        for (with, most) in [
            ("\u{1F82}", 12),
            ("\u{390}", 16),
            ("\u{FDF2}", 12),
            ("\u{1EC5}", 16),
        ] {
            assert_eq!(name(&with.repeat(most)).chars().count(), most);
            let spelt: String = nfd(&with.repeat(most));
            assert_eq!(name(&spelt), name(&with.repeat(most)));
            let more = with.repeat(most + 1);
            assert_eq!(refusal(&more), BadName::Parts { limit: 48 }, "{more}");
            assert_eq!(fold_if_meant(&more, 24), None);
        }
        // A syllable of Korean counts once, however it is spelt.
        for syllables in ["\u{AC01}", "\u{1100}\u{1161}\u{11A8}"] {
            assert_eq!(*name(&syllables.repeat(24)), *"\u{AC01}".repeat(24));
        }
        for tongue in [
            "NguyễnThịDiệuHuyềnPhương",
            "ᾠδὴτῶνᾀσμάτων",
            "ŽluťoučkýKůňÚpělĎábelskýé",
        ] {
            let tongue: String = tongue.chars().take(24).collect();
            assert_eq!(*name(&tongue), *tongue);
        }
    }

    fn nfd(text: &str) -> String {
        unicode_normalization::UnicodeNormalization::nfd(text).collect()
    }

    #[test]
    fn an_address_is_no_name() {
        for text in ["127.0.0.1", "１２７.0.0.1", "255.255.255.255"] {
            assert_eq!(refusal(text), BadName::Address);
        }
        for text in ["127.0.0", "127.0.0.256", "1.2.3.4.5", "1.2.3."] {
            assert_eq!(*name(text), *text);
        }
        // Nor is one suggested.
        for stem in ["1.2.3.", "１.2.３."] {
            let stem = name(stem);
            let first = stem.alternatives(24).next().map(|(name, _)| name);
            assert_eq!(first.as_deref(), Some(&*format!("{stem}275")));
        }
    }

    #[test]
    fn accents_do_not_pile_up() {
        let marked = |marks| format!("q{}", "\u{323}".repeat(marks));
        assert_eq!(*name(&marked(3)), *marked(3));
        assert_eq!(refusal(&marked(4)), BadName::Marks);
        assert_eq!(refusal("\u{301}a"), BadName::Marks);
        assert_eq!(refusal("\u{20DD}"), BadName::Marks);
        assert_eq!(refusal("\u{D7B0}"), BadName::Marks); // a vowel without its consonant
    }

    #[test]
    fn names_that_differ_in_form_only_are_the_same() {
        for (one, other) in [
            ("Alice", "aLICE"),
            ("ＡＬＩＣＥ", "alice"),
            ("ŽOFIE", "z\u{30C}ofie"),
            ("ΟΔΟΣ", "οδος"),
            ("οδοσ", "οδος"),
            ("STRASSE", "straße"),
            ("STRAẞE", "straße"),
            ("ﬁsh", "FISH"),
            ("K\u{212A}", "kk"),
            ("x²", "X2"),
        ] {
            assert_eq!(fold(&name(one)), fold(&name(other)), "{one} and {other}");
        }
        assert_ne!(fold(&name("alice")), fold(&name("alicé")));
    }

    /// Catches: somebody whose name is not looked for.
    #[test]
    fn every_name_can_be_meant() {
        for c in ('\0'..=char::MAX).filter(|&c| is_name_character(c)) {
            let text = format!("a{c}");
            let folded = fold(&text);
            if folded != text && Name::new(&text, 24).is_ok() {
                assert_eq!(fold_if_meant(&text, 24), Some(folded), "{c:?}");
            }
        }
    }

    #[test]
    fn a_name_that_is_its_own_fold_is_not_copied() {
        assert!(matches!(fold("guest7"), Cow::Borrowed("guest7")));
        assert_eq!(fold("Guest7"), "guest7");
    }

    #[test]
    fn alternatives_are_numbered_and_fit() {
        let of = |text: &str, limit| -> Vec<String> {
            let name = Name::new(text, limit).unwrap();
            let alternatives = name.alternatives(limit).take(3);
            alternatives.map(|(name, _)| name.to_string()).collect()
        };
        assert_eq!(of("alice", 24), ["alice2", "alice3", "alice4"]);
        assert_eq!(of("alice2", 24), ["alice2", "alice3", "alice4"]);
        assert_eq!(of("42", 24), ["422", "423", "424"]);
        assert_eq!(of("alice", 5), ["ali2", "ali3", "ali4"]);
        assert_eq!(of("a", 1), ["2", "3", "4"]);
        assert!(name("alice").alternatives(24).count() < 100);
    }

    #[test]
    fn a_refusal_shows_only_what_can_be_shown() {
        assert!(refusal("a!").to_string().ends_with("not !"));
        assert!(refusal("a b").to_string().ends_with("not U+0020"));
        assert!(refusal("a\u{202E}").to_string().ends_with("not U+202E"));
    }

    proptest! {
        #[test]
        fn an_accepted_name_is_stable(text in "[\\pL\\pM\\pN_.-]{1,30}") {
            if let Ok(name) = Name::new(&text, 24) {
                prop_assert_eq!(Name::new(&name, 24), Ok(name.clone()));
                let folded = fold(&name);
                prop_assert_eq!(fold(&folded), &*folded);
                prop_assert_eq!(fold_if_meant(&name, 24), Some(folded.clone()));
                let upper = name.to_uppercase();
                prop_assert_eq!(fold(&upper), &*folded);
                prop_assert_eq!(super::super::sanitise(&name), &*name);
                for (other, keys) in name.alternatives(24) {
                    prop_assert_eq!(Name::new(&other, 24), Ok(other.clone()));
                    prop_assert_eq!(keys, Keys::of(&other), "{}", other);
                }
            }
        }
    }
}

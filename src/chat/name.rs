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

    /// A name that was one when it was kept.
    #[must_use]
    pub fn kept(text: &str) -> Name {
        Name(text.into())
    }

    /// What it is compared by: two names are the same if this is.
    #[must_use]
    pub fn folded(&self) -> Cow<'_, str> {
        fold(self)
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
mod tests;

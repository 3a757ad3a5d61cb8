//! What becomes of a character on somebody's screen: whether it can be seen, and whether it takes
//! room.

use super::unicode::is_combining_mark;

/// How a character shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// As something to see that has a place of its own.
    Itself,
    /// As an empty place.
    Blank,
    /// On the character before it.
    Mark,
    /// As nothing at all.
    Nothing,
}

impl Shows {
    pub(super) fn of(c: char) -> Self {
        match c {
            ' ' => Self::Blank,
            // Most of what is typed, without a look at the tables.
            '!'..='~' | '\u{AE}'..='\u{2FF}' | '\u{400}'..='\u{482}' | '\u{4E00}'..='\u{9FFF}' => {
                Self::Itself
            }
            _ if is_invisible(c) => Self::Nothing,
            _ if is_blank(c) => Self::Blank,
            // The vowels and finals of a Korean syllable join the consonant before them.
            '\u{1161}'..='\u{11FF}' | '\u{D7B0}'..='\u{D7FF}' => Self::Mark,
            _ if is_combining_mark(c) => Self::Mark,
            _ => Self::Itself,
        }
    }
}

/// An empty place, whatever Unicode counts it as: letters and symbols are among them.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{115F}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
            | '\u{2800}' // the braille pattern without a dot
            | '\u{13441}' | '\u{13442}' // Egyptian blanks
            | '\u{1D159}' // a note without a head
        )
}

/// What Unicode calls ignorable by default (UCD, `Default_Ignorable_Code_Point`), but for what
/// takes room, and the format controls that are not in that list.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' // soft hyphen
        | '\u{34F}' // combining grapheme joiner
        | '\u{61C}' // Arabic letter mark
        | '\u{1160}' // Hangul filler of a vowel
        | '\u{17B4}' | '\u{17B5}' // Khmer inherent vowels
        | '\u{180B}'..='\u{180F}' // Mongolian selectors
        | '\u{200B}'..='\u{200F}' // zero-width space, joiners, marks
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' // variation selectors
        | '\u{FEFF}' // byte order mark
        | '\u{FFF0}'..='\u{FFFB}' // unassigned, and interlinear annotation
        | '\u{13430}'..='\u{13440}' // Egyptian controls
        | '\u{16FE4}' // Khitan filler
        | '\u{1BCA0}'..='\u{1BCA3}' // shorthand controls
        | '\u{1D173}'..='\u{1D17A}' // musical controls
        | '\u{E0000}'..='\u{E0FFF}' // tags, more variation selectors
    )
}

/// An accent that is no script's own, as they are piled up for fun. What a script needs of them is
/// less.
pub(super) fn is_general_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}'
        | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}'
        | '\u{FE20}'..='\u{FE2F}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_cut_says_what_the_tables_say() {
        for c in ('!'..='\u{2FF}')
            .chain('\u{400}'..='\u{482}')
            .chain('\u{4E00}'..='\u{9FFF}')
        {
            if Shows::of(c) == Shows::Itself {
                assert!(
                    !is_invisible(c) && !is_blank(c) && !is_combining_mark(c),
                    "{c:?}"
                );
            }
        }
    }

    #[test]
    fn what_unicode_ignores_is_not_seen() {
        use unicode_security::GeneralSecurityProfile;
        use unicode_security::general_security_profile::IdentifierType::Default_Ignorable;

        for c in '\0'..=char::MAX {
            if c.identifier_type() == Some(Default_Ignorable) {
                assert!(
                    matches!(Shows::of(c), Shows::Nothing | Shows::Blank),
                    "U+{:04X}",
                    u32::from(c)
                );
            }
        }
    }
}

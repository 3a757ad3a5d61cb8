//! Unicode's tables, as far as the chat looks at them.
//!
//! A look costs ten nanoseconds or so, and a line has room for thousands of characters, of which
//! some are eighteen in one. So all looks are taken here, where they are counted: whoever asks for
//! many pays for them ([`Chat::looks`](super::Chat::looks)), and the tests see without a clock that
//! what is looked at for a line is bounded.

use std::cell::Cell;
use std::iter;

use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};
use unicode_security::GeneralSecurityProfile;
use unicode_security::general_security_profile::IdentifierType;
use unicode_security::mixed_script::AugmentedScriptSet;

/// The composed form (NFC).
pub(super) fn nfc(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(looked_up).nfc().map(looked_up)
}

/// The composed form in which compatibility characters are the plain ones they look like (NFKC).
pub(super) fn nfkc(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    text.map(looked_up).nfkc().map(looked_up)
}

/// The same of one character.
pub(super) fn plain(c: char) -> impl Iterator<Item = char> {
    nfkc(iter::once(c))
}

/// What UTS 39 calls the skeleton: each character replaced by the plainest one that looks the same.
pub(super) fn skeleton(text: &str) -> impl Iterator<Item = char> {
    text.chars().for_each(|c| _ = looked_up(c));
    unicode_security::skeleton(text).map(looked_up)
}

/// How many letters and accents a character is made of. A syllable of Korean counts once, however it
/// is spelt: each is two or three, and to take it apart needs no table.
pub(super) fn parts(c: char) -> usize {
    match c {
        '\0'..='\x7F' | '\u{AC00}'..='\u{D7A3}' => 1,
        '\u{1160}'..='\u{11FF}' => 0,
        _ => {
            let mut count = 0;
            unicode_normalization::char::decompose_compatible(looked_up(c), |_| count += 1);
            count
        }
    }
}

pub(super) fn is_combining_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(looked_up(c))
}

/// The scripts that a character is written in, as UTS 39 counts them.
pub(super) fn scripts(c: char) -> AugmentedScriptSet {
    AugmentedScriptSet::for_char(looked_up(c))
}

/// Whether it is a Latin letter that only technical texts have.
pub(super) fn is_technical_latin(c: char) -> bool {
    looked_up(c).identifier_type() == Some(IdentifierType::Technical) && c.script() == Script::Latin
}

thread_local! {
    static LOOKS: Cell<u64> = const { Cell::new(0) };
}

/// Characters that were looked up so far, by this thread.
pub(super) fn looks() -> u64 {
    LOOKS.get()
}

fn looked_up(c: char) -> char {
    LOOKS.set(LOOKS.get() + 1);
    c
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::commands::{COMMANDS, Entry, ORDERS};
    use super::super::tests::OWNER;
    use super::super::{Chat, Config};
    use super::looks;

    /// Bytes of the longest line that the doors let through.
    const MAX_LINE: usize = 4096;

    /// What is dear in one way or another: many in one, made of many, many that are one, capitals,
    /// marks that have to be put in order, what is shown as it is, what is not shown, what is no
    /// UTF-8.
    const DEAR: [&str; 18] = [
        "x",
        "I",
        "\u{FDFA}",
        "\u{FDF2}",
        "\u{1F82}",
        "\u{390}",
        "\u{FB2C}",
        "\u{2167}",
        "\u{FB01}",
        "\u{130}",
        "\u{1E9E}",
        "q\u{323}\u{307}\u{31B}",
        "z\u{30C}",
        "\u{323}\u{307}",
        "\u{AC01}",
        "\u{540D}",
        "\u{200B}",
        "\u{FFFD}",
    ];

    /// Looks that a line takes at most for the names in it: at the new name, and at the beginning
    /// of what else it may be called. The one it replaces and those that are alike are not looked
    /// at, since their keys are kept.
    const A_NAME: u64 = 2000;

    /// Names of what is dear are taken, and so are their numbers.
    fn chat_in_which_names_are_taken() -> Chat {
        let mut chat = Chat::new(Config::default());
        let mut effects = Vec::new();
        for with in DEAR {
            let name: String = with.chars().cycle().take(24).collect();
            for number in 0..30 {
                let member = chat.connect(OWNER, 0, 0, &mut effects).unwrap();
                let number = if number == 0 {
                    String::new()
                } else {
                    number.to_string()
                };
                let stem: String = name.chars().take(24 - number.len()).collect();
                chat.line(member, &format!("/nick {stem}{number}"), 0, 0, &mut effects);
                chat.line(member, &format!("/join {stem}{number}"), 0, 0, &mut effects);
            }
        }
        chat
    }

    /// Each with as much of it as goes into a line, and as a name may have in one way or another.
    fn dear_texts() -> impl Iterator<Item = String> {
        let lengths = [1, 23, 24, 32, 96, 97, 128, 129, usize::MAX];
        DEAR.iter().flat_map(move |with| {
            lengths.map(|length| {
                let most = (MAX_LINE - 40) / with.len() * with.chars().count();
                with.chars().cycle().take(length.min(most)).collect()
            })
        })
    }

    /// Catches: a text that is made a name of before its length is looked at; a name that is
    /// compared with itself, with what it would be called else, with the server's names, and made
    /// keys of for each; a table that grows and makes the keys of all.
    #[test]
    fn a_line_costs_two_looks_a_character_and_what_a_name_may_cost() {
        let mut chat = chat_in_which_names_are_taken();
        let words: Vec<&str> = COMMANDS.iter().chain(ORDERS).map(Entry::word).collect();
        let mut effects = Vec::new();
        for text in dear_texts() {
            let mut lines = vec![text.clone(), format!("/{text}")];
            for word in &words {
                lines.extend([
                    format!("/{word} {text}"),
                    format!("/{word} {text} x"),
                    format!("/{word} guest1 {text}"),
                    format!("/{word} 192.0.2.1 1 {text}"),
                ]);
            }
            for line in lines {
                effects.clear();
                let member = chat.connect(OWNER, 0, 0, &mut effects).unwrap();
                let before = looks();
                chat.line(member, &line, 0, 0, &mut effects);
                let taken = looks() - before;
                chat.leave(member, 0, &mut effects);
                let bound = 2 * line.chars().count() as u64 + A_NAME;
                assert!(taken <= bound, "{taken} looks, not {bound}: {line}");
            }
        }
    }

    /// Catches: a reconnect that costs more than a line.
    #[test]
    fn who_goes_costs_no_look_at_its_name() {
        let mut chat = chat_in_which_names_are_taken();
        let mut effects = Vec::new();
        for text in dear_texts() {
            let member = chat.connect(OWNER, 0, 0, &mut effects).unwrap();
            chat.line(member, &format!("/nick {text}"), 0, 0, &mut effects);
            chat.line(member, &format!("/join {text}"), 0, 0, &mut effects);
            effects.clear();
            let before = looks();
            chat.leave(member, 0, &mut effects);
            chat.tick(10_000, 0, &mut effects);
            let taken = looks() - before;
            assert_eq!(taken, 0, "the keys of names are kept: {text}");
        }
    }
}

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

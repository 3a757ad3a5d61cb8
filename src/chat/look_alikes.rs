//! Names that a reader would take for one another, and names that would pass for the server's.
//!
//! Two names are alike if their *keys* are: what Unicode (UTS 39) calls the skeleton, in which
//! each character is replaced by the plainest one that looks the same, without case. A name has
//! two such keys, as capitals and small letters have different doubles: `Ian` looks like `lan`,
//! `ian` does not. And some have two with their case: as written all in capitals, which is the same
//! name, and as they are written. `ALlCE` looks like what `alice` is in capitals.

use std::collections::HashSet;
use std::sync::LazyLock;

use ecow::{EcoString, eco_format};
use unicode_script::Script;
use unicode_security::mixed_script::AugmentedScriptSet;

use super::name::fold;
use super::unicode::{self, is_combining_mark, is_technical_latin, skeleton};

/// What is compared to see whether two names are alike. They are if they have a key in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Of the name in small letters: the same for all spellings of a name.
    folded: EcoString,
    /// Of the name as it is written, if that makes a difference.
    written: Option<EcoString>,
    /// Its skeleton in capitals, where those have other doubles than the small letters.
    capitals: Option<EcoString>,
    /// Its skeleton as it is written, where that may be another name's in capitals.
    cased: Option<EcoString>,
}

impl Keys {
    pub(super) const MOST: usize = 4;

    pub(super) fn of(name: &str) -> Self {
        Self::new(name, &fold(name))
    }

    /// The same for a name whose fold is known.
    pub(super) fn new(name: &str, fold: &str) -> Self {
        if name.is_ascii() {
            let has = |letters: &[u8]| name.bytes().any(|byte| letters.contains(&byte));
            let capitals = has(b"iI").then(|| cased_key(&name.to_ascii_uppercase()));
            let cased = Some(cased_key(name)).filter(|key| key.chars().any(char::is_uppercase));
            return Self {
                folded: plain_key(name, 'i'),
                written: has(b"I").then(|| plain_key(name, 'l')),
                cased: cased.filter(|key| capitals.as_ref() != Some(key)),
                capitals,
            };
        }
        let skeleton_of = |name: &str| skeleton(name).collect::<String>();
        let as_folded = skeleton_of(fold);
        let as_written = match fold == name {
            true => None,
            false => Some(skeleton_of(name)),
        };
        let of_folded = self::fold(&as_folded);
        let as_written = as_written.as_deref().unwrap_or(&as_folded);
        let of_written = match as_written == as_folded {
            true => of_folded.clone(),
            false => self::fold(as_written),
        };
        let cased = Some(in_case(as_written)).filter(|key| key.chars().any(char::is_uppercase));
        // Where there is no case and nothing has a double, as in most scripts, that is all.
        let written = (of_written != fold).then(|| key(&of_written));
        let folded = without_colons(&of_folded);
        let capitals = fold.to_uppercase();
        let capitals = (capitals != fold).then(|| skeleton_of(&capitals));
        let is_known = |key: &String| {
            let plain = without_colons(&self::fold(key));
            plain == folded || written.as_ref() == Some(&plain)
        };
        let capitals = capitals.filter(|key| !is_known(key));
        let capitals = capitals.map(|key| in_case(&key));
        Self {
            cased: cased.filter(|key| capitals.as_ref() != Some(key)),
            capitals,
            written: written.filter(|written| *written != folded),
            folded,
        }
    }

    /// The keys of the same name with this number behind it.
    pub(super) fn followed_by(&self, number: &str) -> Self {
        let cased = cased_key(number);
        let number = plain_key(number, 'i');
        let longer = |key: &EcoString| eco_format!("{key}{number}");
        let longer_cased = |key: &EcoString| eco_format!("{key}{cased}");
        Self {
            folded: longer(&self.folded),
            written: self.written.as_ref().map(longer),
            capitals: self.capitals.as_ref().map(longer_cased),
            cased: self.cased.as_ref().map(longer_cased),
        }
    }

    /// The one that all spellings of the name have.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    /// Up to [`MOST`](Self::MOST), the folded one first, and each once.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let all = [
            Some(&*self.folded),
            self.written.as_deref(),
            self.capitals.as_deref(),
            self.cased.as_deref(),
        ];
        let is_new = move |&(at, key): &(usize, Option<&str>)| !all[..at].contains(&key);
        let new = all.into_iter().enumerate().filter(is_new);
        new.filter_map(|(_, key)| key)
    }
}

/// The key that all spellings of a name have, of which this is the folded one.
pub(super) fn folded_key(folded: &str) -> EcoString {
    match folded.is_ascii() {
        true => plain_key(folded, 'i'),
        false => key(folded),
    }
}

fn key(folded: &str) -> EcoString {
    without_colons(&plainest(folded))
}

/// The skeleton of a name, without case.
fn plainest(name: &str) -> String {
    fold(&skeleton(name).collect::<String>()).into_owned()
}

/// A key of a skeleton that keeps its case. The double of a zero has none, as the zero has none.
fn in_case(skeleton: &str) -> EcoString {
    let kept = skeleton.chars().filter(|c| *c != ':');
    kept.map(|c| if c == 'O' { '0' } else { c }).collect()
}

/// The same for a name of ASCII.
fn cased_key(name: &str) -> EcoString {
    let mut key = EcoString::new();
    for byte in name.bytes() {
        match byte {
            b'I' | b'1' => key.push('l'),
            b'O' => key.push('0'),
            b'm' => key.push_str("rn"),
            _ => key.push(char::from(byte)),
        }
    }
    key
}

/// Some scripts have a colon as a mark on a letter; the one behind a name swallows it.
fn without_colons(name: &str) -> EcoString {
    name.chars().filter(|c| *c != ':').collect()
}

/// The same for a name of ASCII, as most are, without a look at the tables.
fn plain_key(name: &str, capital_i: char) -> EcoString {
    let mut key = EcoString::new();
    for byte in name.bytes() {
        match byte {
            b'I' => key.push(capital_i),
            b'0' => key.push('o'),
            b'1' => key.push('l'),
            b'm' | b'M' => key.push_str("rn"),
            _ => key.push(char::from(byte.to_ascii_lowercase())),
        }
    }
    key
}

/// Names that a reader would believe to be the server's or an operator's, or to mean everybody.
const RESERVED: [&str; 20] = [
    "admin",
    "administrator",
    "all",
    "announcement",
    "disconnected",
    "everyone",
    "help",
    "here",
    "loopchat",
    "mod",
    "moderator",
    "nobody",
    "op",
    "operator",
    "root",
    "server",
    "staff",
    "support",
    "sysop",
    "system",
];

/// Whether the nickname that has these keys is, or looks like, one of those that say who somebody
/// is.
pub(super) fn sounds_official(nickname: &Keys) -> bool {
    static KEYS: LazyLock<HashSet<EcoString>> = LazyLock::new(|| {
        let written = RESERVED.map(|name| [name.to_owned(), name.to_uppercase()]);
        let keys = written.iter().flatten().map(|name| Keys::of(name));
        keys.flat_map(|keys| keys.iter().map(EcoString::from).collect::<Vec<_>>())
            .collect()
    });
    nickname
        .iter()
        .any(|key| KEYS.contains(key.trim_matches(AROUND)))
}

/// Whether it is, or looks like, one that the server gives: `guest7`.
pub(super) fn is_guests(nickname: &Keys) -> bool {
    nickname.iter().any(|key| {
        let number = key.trim_matches(AROUND).strip_prefix("guest");
        number.is_some_and(|number| number.chars().all(is_digit_or_double))
    })
}

/// What makes no other name of one.
const AROUND: [char; 3] = ['_', '-', '.'];

/// As digits are in a key.
fn is_digit_or_double(c: char) -> bool {
    matches!(c, 'o' | 'l' | '2'..='9')
}

/// Whether a name mixes scripts more than "highly restrictive" (UTS 39, 5.2) has it: one script,
/// or those of Japanese, Chinese or Korean with Latin beside them.
pub(super) fn mixes_scripts(name: &str) -> bool {
    let mut all = AugmentedScriptSet::default();
    let mut but_latin = AugmentedScriptSet::default();
    for set in name.chars().map(unicode::scripts) {
        all.intersect_with(set);
        if !set.base.contains_script(Script::Latin) {
            but_latin.intersect_with(set);
        }
    }
    let with_latin = but_latin.jpan || but_latin.hanb || but_latin.kore;
    all.is_empty() && !with_latin
}

/// The character of the protocol that a letter looks like, if there is one: it would end the name
/// before its end, or begin a line of the server's.
pub(super) fn double_in_protocol(letter: char) -> Option<char> {
    if letter.is_ascii() || is_combining_mark(letter) {
        return None;
    }
    let of_protocol = |c: &char| matches!(c, ':' | '*' | '!' | '>' | '#' | ',');
    skeleton(letter.encode_utf8(&mut [0; 4])).find(of_protocol)
}

/// Whether a letter is one of those for phonetics that resemble Latin ones (the small capitals)
/// without being known as a double of any.
pub(super) fn is_phonetic(letter: char) -> bool {
    is_technical_latin(letter) && skeleton(letter.encode_utf8(&mut [0; 4])).eq([letter])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn are_alike(one: &str, other: &str) -> bool {
        let keys = Keys::of(other);
        Keys::of(one)
            .iter()
            .any(|key| keys.iter().any(|other| other == key))
    }

    #[test]
    fn what_looks_the_same_is_alike() {
        for (one, other) in [
            ("alice", "aIice"),
            ("Alice", "AIice"),
            ("alice", "\u{251}lice"),
            ("alice", "a\u{217C}ice"), // a Roman numeral
            ("alice", "a1ice"),
            ("alice", "аӏісе"), // Cyrillic from end to end
            ("ALICE", "alice"),
            ("BEPA", "ВЕРА"),
            ("Вера", "вера"),
            ("Вера", "Bepa"),
            ("ava", "ανα"),
            ("ANA", "ΑΝΑ"),
            ("bob", "b0b"),
            ("modern", "rnodern"),
            ("Modern", "rnodern"),
            ("工藤", "エ藤"),
            ("राम", "रामः"),
            ("Ian", "lan"),
            ("lan", "IAN"),
            ("ﬁsh", "FISH"),
            ("sım", "sim"), // without a dot
            ("alice", "ALlCE"),
            ("Alice", "AL1CE"),
            ("kim", "KlM"),
            ("mia", "MlA"),
            ("mia", "ΜΙΑ"),
            ("mia", "МІА"),
            ("bill", "ꓐꓲꓡꓡ"),
            ("мія", "МlЯ"),
            ("bill2", "BlLL2"),
        ] {
            assert!(
                are_alike(one, other) && are_alike(other, one),
                "{one} and {other}"
            );
        }
    }

    #[test]
    fn what_differs_is_not_alike() {
        for (one, other) in [
            ("ian", "lan"),
            ("alice", "alicé"),
            ("zofie", "žofie"),
            ("nina", "vina"),
            ("guest10", "guest12"),
            ("a-b", "ab"),
            ("山田", "田中"),
            ("Иван", "Ivan"),
            ("Kim", "Klm"),
            ("Ali", "All"),
            ("bill", "BALL"),
        ] {
            assert!(!are_alike(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn guests_are_not_alike() {
        let mut keys: Vec<_> = (0..3000)
            .map(|number| Keys::of(&format!("guest{number}")))
            .collect();
        assert!(keys.iter().all(|keys| keys.written.is_none()));
        keys.sort_unstable_by(|one, other| one.folded.cmp(&other.folded));
        keys.dedup();
        assert_eq!(keys.len(), 3000);
    }

    #[test]
    fn what_sounds_official_is_known_however_it_is_written() {
        for name in RESERVED.iter().copied().chain([
            "Server",
            "SERVER",
            "Admin",
            "adrnin",
            "ADMlN",
            "Adm1n",
            "0perator",
            "r00t",
            "_admin_",
            "Ｓｅｒｖｅｒ",
            "MOD",
            "rnod",
            "op-",
            "Ioopchat",
        ]) {
            assert!(sounds_official(&Keys::of(name)), "{name}");
        }
        for name in [
            "serverin",
            "opal",
            "allen",
            "modern",
            "alice",
            "Ελένη",
            "guest7",
        ] {
            assert!(!sounds_official(&Keys::of(name)), "{name}");
        }
    }

    #[test]
    fn numbered_guests_are_known_however_they_are_written() {
        for name in [
            "guest7",
            "GUEST10",
            "guestl",
            "guestIO",
            "guest",
            "Guest_",
            "ｇｕｅｓｔ１",
        ] {
            assert!(is_guests(&Keys::of(name)), "{name}");
        }
        for name in ["guesthouse", "guest7a", "guesti7n", "alice"] {
            assert!(!is_guests(&Keys::of(name)), "{name}");
        }
    }

    #[test]
    fn each_language_has_its_scripts() {
        for name in [
            "alice7",
            "žofie",
            "Иван_7",
            "Ελένη",
            "سلام",
            "٣٤",
            "ניקוד",
            "हिन्दी2",
            "山田.太郎",
            "ひらカタ漢",
            "東京Tokyo",
            "한글",
            "한글abc",
            "漢ㄅㄆ",
            "ไทยน้ำ",
            "ქართული",
            "አማርኛ",
            "தமிழ்",
            "Հայերեն",
            "ខ្មែរ",
            "ᏣᎳᎩ",
            "Ａlice",
            "x²",
        ] {
            assert!(!mixes_scripts(name), "{name}");
        }
        for name in [
            "аlice", "Αlice", "alicе", "lоbby", "Иvan", "שaב", "aliceꓽ", "한ひ", "aਅ", "ваνα",
            "a৪", "Ꭰlice",
        ] {
            assert!(mixes_scripts(name), "{name}");
        }
    }

    #[test]
    fn no_letter_passes_for_a_sign_of_the_protocol() {
        for (letter, sign) in [
            ('ǃ', '!'),
            ('ꓽ', ':'),
            ('ː', ':'),
            ('ᕯ', '*'),
            ('ᐳ', '>'),
            ('ꓹ', ','),
        ] {
            assert_eq!(double_in_protocol(letter), Some(sign), "{letter}");
        }
        for letter in ['a', 'ノ', 'י', '一', 'ः', 'ー', 'ñ'] {
            assert_eq!(double_in_protocol(letter), None, "{letter}");
        }
        assert!(is_phonetic('ᴀ') && is_phonetic('ʙ'));
        assert!(
            !is_phonetic('ə') && !is_phonetic('ŋ') && !is_phonetic('\u{251}') && !is_phonetic('ॐ')
        );
    }

    proptest! {
        #[test]
        fn the_short_cut_gives_what_the_tables_give(name in "[A-Za-z0-9_.-]{1,24}") {
            let keys = Keys::of(&name);
            prop_assert_eq!(&keys.folded, &key(&fold(&name)));
            let written = key(&fold(&skeleton(&name).collect::<String>()));
            prop_assert_eq!(keys.written.as_ref().unwrap_or(&keys.folded), &written);
        }

        #[test]
        fn another_spelling_is_alike(name in "[\\pL\\pM\\pN_.-]{1,24}") {
            let (one, other) = (Keys::of(&name), Keys::of(&fold(&name)));
            prop_assert_eq!(&one.folded, &other.folded);
            prop_assert_eq!(&one.folded, &folded_key(&fold(&name)));
            // A name that is its own key has no other.
            let written = key(&fold(&skeleton(&name).collect::<String>()));
            prop_assert_eq!(one.written.as_ref().unwrap_or(&one.folded), &written);
        }
    }
}

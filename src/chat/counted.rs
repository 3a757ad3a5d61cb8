//! `1 other`, `2 others`: a number with its word.

use std::fmt::{self, Display};

/// `1 other`, `2 others`.
pub(crate) fn counted<'a>(count: usize, words: (&'a str, &'a str)) -> Counted<'a> {
    Counted { count, words }
}

/// See [`counted`]; made where it is written, without a `String` in between.
pub(crate) struct Counted<'a> {
    count: usize,
    words: (&'a str, &'a str),
}

impl Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, several) = self.words;
        write!(
            f,
            "{} {}",
            self.count,
            if self.count == 1 { one } else { several }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_none_are_several() {
        let said = |count| counted(count, ("other", "others")).to_string();
        assert_eq!([0, 1, 2].map(said), ["0 others", "1 other", "2 others"]);
    }
}

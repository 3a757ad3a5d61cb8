//! Many names in one line of bounded length: `alice, bob, carol and 997 others`.

use std::fmt::{Display, Write};

use crate::chat::counted;

/// A name can have a hundred bytes, so a number of names alone bounds no line.
const BYTES: usize = 1500;

/// The first `at_most` of `items`, fewer if they are long, and how many of `total` they leave out.
/// `rest` are the words for one and for several left out.
pub(super) fn list<T: Display>(
    items: impl IntoIterator<Item = T>,
    total: usize,
    at_most: usize,
    rest: (&str, &str),
) -> String {
    let mut listed = String::new();
    let mut count = 0;
    for item in items.into_iter().take(at_most) {
        let before = listed.len();
        let separator = if count == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(listed, "{separator}{item}");
        if listed.len() > BYTES && count > 0 {
            listed.truncate(before);
            break;
        }
        count += 1;
    }
    if total > count {
        let left_out = counted(total - count, rest);
        let and = if count == 0 { "" } else { " and " };
        let _ = write!(listed, "{and}{left_out}");
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHERS: (&str, &str) = ("other", "others");

    #[test]
    fn what_fits_is_named_and_the_rest_counted() {
        assert_eq!(list(["a"], 1, 3, OTHERS), "a");
        assert_eq!(list(["a", "b", "c"], 3, 3, OTHERS), "a, b, c");
        assert_eq!(
            list(["a", "b", "c", "d"], 4, 3, OTHERS),
            "a, b, c and 1 other"
        );
        assert_eq!(list(["a", "b"], 999, 3, OTHERS), "a, b and 997 others");
        assert_eq!(list(["a"; 0], 5, 3, OTHERS), "5 others");
    }

    #[test]
    fn long_names_end_the_list_early() {
        let name = "n".repeat(128);
        let line = list([&name; 40], 50, 40, ("more", "more"));
        assert!(line.len() <= BYTES + " and 50 more".len());
        // Eleven names of 128 bytes and a separator fit into 1500.
        assert!(line.ends_with("n and 39 more"), "{line}");
    }
}

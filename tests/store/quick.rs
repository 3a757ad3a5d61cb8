//! Authors who say more in one go than a turn passes on.

use super::*;

/// Lines of one author: more than may be under way, and many of them much for one turn.
const LINES: usize = 400;

/// What is committed is heard, however much came at once, and whoever has said it is read on.
#[test]
fn what_a_quick_author_says_is_heard_to_the_last_line() {
    for length in [90, 900, 1800] {
        let folder = Folder::new();
        let server = Server::with(&["--store", &folder.text("store"), "--flood", "off"]);
        let mut author = server.join();
        let mut reader = server.join();
        let text = "ab ".repeat(length / 3);
        let lines: String = (0..LINES)
            .map(|number| format!("{text}{number}\n"))
            .collect();
        author.send(lines);
        for number in 0..LINES {
            reader.expect_line(|line| line.ends_with(&format!("{text}{number}")));
        }
        author.sync();
    }
}

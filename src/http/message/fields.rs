//! The fields of a message that is to be sent: checked when they are set, so that what is sent says
//! what was meant and nothing more.

use super::{Misuse, facts};

/// Fields in the order in which they were set, as the lines they will be sent as.
#[derive(Default)]
pub(in crate::http) struct Fields(Vec<u8>);

/// One line.
pub(in crate::http) struct Line<'a> {
    pub(in crate::http) name: &'a [u8],
    pub(in crate::http) value: &'a [u8],
    start: usize,
    end: usize,
}

impl Fields {
    pub(in crate::http) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let text = &self.0[..];
        let mut start = 0;
        // No value holds an LF, so every LF ends a line.
        memchr::memchr_iter(b'\n', text).map(move |at| {
            let line = &text[start..at - 1];
            let colon = memchr::memchr(b':', line).unwrap_or(line.len());
            let parted = Line {
                name: &line[..colon],
                value: line.get(colon + 2..).unwrap_or_default(),
                start,
                end: at + 1,
            };
            start = at + 1;
            parted
        })
    }

    pub(in crate::http) fn text(&self) -> &[u8] {
        &self.0
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all, but keeps a little memory.
    pub(in crate::http) fn recycle(&mut self) {
        self.0.clear();
        self.0.shrink_to(512);
    }

    pub(in crate::http) fn get(&self, name: &str) -> Option<&[u8]> {
        self.lines()
            .find(|line| line.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|line| line.value)
    }

    /// The values of each name, which is in lower case.
    pub(in crate::http) fn by_name(&self) -> Vec<(String, Vec<&[u8]>)> {
        let mut all: Vec<(String, Vec<&[u8]>)> = Vec::new();
        for Line { name, value, .. } in self.lines() {
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => all.push((name, vec![value])),
            }
        }
        all
    }

    /// The names, in lower case, each once.
    pub(in crate::http) fn names(&self) -> Vec<String> {
        self.by_name().into_iter().map(|(name, _)| name).collect()
    }

    /// Where the first line of this name is, from a place on.
    fn find(&self, name: &str, from: usize) -> Option<(usize, usize)> {
        let mut lines = self.lines();
        let name = name.as_bytes();
        let named = |line: &Line<'_>| line.start >= from && line.name.eq_ignore_ascii_case(name);
        lines.find(named).map(|line| (line.start, line.end))
    }

    /// Sets a field in the place of those of the same name, or behind the others.
    pub(in crate::http) fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Misuse> {
        check(name, value)?;
        let Some((start, end)) = self.find(name, 0) else {
            push_line(&mut self.0, name, value);
            return Ok(());
        };
        let mut line = Vec::new();
        push_line(&mut line, name, value);
        let behind = start + line.len();
        self.0.splice(start..end, line);
        self.remove_from(name, behind);
        Ok(())
    }

    /// Adds a field behind the last of the same name, spelled as the first of them; or behind the
    /// others.
    pub(in crate::http) fn append(&mut self, name: &str, value: &[u8]) -> Result<(), Misuse> {
        check(name, value)?;
        let same = |line: &Line<'_>| line.name.eq_ignore_ascii_case(name.as_bytes());
        let Some(first) = self.lines().find(same) else {
            push_line(&mut self.0, name, value);
            return Ok(());
        };
        let end = self
            .lines()
            .filter(same)
            .last()
            .map_or(first.end, |last| last.end);
        let mut line = Vec::new();
        push_line(&mut line, first.name, value);
        self.0.splice(end..end, line);
        Ok(())
    }

    pub(in crate::http) fn remove(&mut self, name: &str) {
        self.remove_from(name, 0);
    }

    fn remove_from(&mut self, name: &str, from: usize) {
        while let Some((start, end)) = self.find(name, from) {
            self.0.drain(start..end);
        }
    }
}

pub(in crate::http) fn push_line(out: &mut Vec<u8>, name: impl AsRef<[u8]>, value: &[u8]) {
    let name = name.as_ref();
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn check(name: &str, value: &[u8]) -> Result<(), Misuse> {
    check_token("Header name", name)?;
    check_text("header content", value)?;
    let fits = match name.len() {
        14 if name.eq_ignore_ascii_case("content-length") => facts::length(value).is_ok(),
        17 if name.eq_ignore_ascii_case("transfer-encoding") => {
            value.eq_ignore_ascii_case(b"chunked")
        }
        _ => true,
    };
    if fits {
        return Ok(());
    }
    let value = value.escape_ascii();
    let message = format!("Invalid value \"{value}\" for header \"{name}\"");
    Err(Misuse::new("ERR_HTTP_INVALID_HEADER_VALUE", message))
}

/// A name or a method: one or more of the characters that are nowhere a separator.
pub(in crate::http) fn check_token(what: &str, token: &str) -> Result<(), Misuse> {
    let inside = |byte: u8| facts::TOKEN[usize::from(byte)];
    if !token.is_empty() && token.bytes().all(inside) {
        return Ok(());
    }
    let message = format!(
        "{what} must be a valid HTTP token [\"{}\"]",
        token.escape_debug()
    );
    Err(Misuse::new("ERR_INVALID_HTTP_TOKEN", message))
}

/// No line ends and no other control characters: what would begin a line of its own.
pub(in crate::http) fn check_text(what: &str, text: &[u8]) -> Result<(), Misuse> {
    let inside = |&byte: &u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    if text.iter().all(inside) {
        return Ok(());
    }
    let message = format!("Invalid character in {what}");
    Err(Misuse::new("ERR_INVALID_CHAR", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_set_again_keeps_its_place() {
        let mut fields = Fields::default();
        for (name, value) in [("A", "1"), ("B", "2"), ("C", "3")] {
            fields.set(name, value.as_bytes()).unwrap();
        }
        fields.append("b", b"4").unwrap();
        fields.set("b", b"five").unwrap();
        assert_eq!(fields.text(), b"A: 1\r\nb: five\r\nC: 3\r\n");
        assert_eq!(fields.get("B"), Some(&b"five"[..]));
        fields.remove("a");
        fields.set("D", b"").unwrap();
        assert_eq!(fields.text(), b"b: five\r\nC: 3\r\nD: \r\n");
        assert_eq!((fields.get("a"), fields.get("d")), (None, Some(&b""[..])));
        fields.append("B", b"6").unwrap();
        fields.append("b", b"7").unwrap();
        let all = b"b: five\r\nb: 6\r\nb: 7\r\nC: 3\r\nD: \r\n";
        assert_eq!(fields.text(), all);
        assert_eq!(fields.names(), ["b", "c", "d"]);
    }

    #[test]
    fn nothing_that_is_set_can_begin_a_line() {
        let mut fields = Fields::default();
        let long = "content-length";
        for (name, value, code) in [
            ("", "x", "ERR_INVALID_HTTP_TOKEN"),
            ("a b", "x", "ERR_INVALID_HTTP_TOKEN"),
            ("a:", "x", "ERR_INVALID_HTTP_TOKEN"),
            ("a\r\nb", "x", "ERR_INVALID_HTTP_TOKEN"),
            ("ä", "x", "ERR_INVALID_HTTP_TOKEN"),
            ("a", "x\r\nb: y", "ERR_INVALID_CHAR"),
            ("a", "x\ny", "ERR_INVALID_CHAR"),
            ("a", "x\ry", "ERR_INVALID_CHAR"),
            ("a", "x\0y", "ERR_INVALID_CHAR"),
            ("a", "x\x7fy", "ERR_INVALID_CHAR"),
            (long, "5, 5", "ERR_HTTP_INVALID_HEADER_VALUE"),
            (long, "-1", "ERR_HTTP_INVALID_HEADER_VALUE"),
            ("Transfer-Encoding", "gzip", "ERR_HTTP_INVALID_HEADER_VALUE"),
        ] {
            let error = fields.set(name, value.as_bytes()).unwrap_err();
            assert_eq!(error.code(), code, "{name:?}: {value:?}");
        }
        assert!(fields.is_empty());
    }
}

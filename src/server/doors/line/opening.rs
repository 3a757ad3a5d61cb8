//! What a session begins with: a chat, or something that was meant for another port.
//!
//! Any page in a browser can have it send a request to any port of its own machine, with a body of
//! the page's choice. Taken for lines that would be a page that talks in the chat in somebody's
//! name, and somebody's cookies told to the room. So the beginning of a session is looked at
//! before any of it is heard: [`judge`] gets all bytes that have come so far, and says whether
//! they are a chat, are certainly something else, or may still become either. It is a function of
//! the bytes alone: however they are cut into reads, the verdict is the same, and one that was
//! given holds whatever comes after.
//!
//! A whole first line shows it, `POST / HTTP/1.1`, or a few bytes of a handshake. "GET it done by
//! tonight" is chat, and so is all else that a person could have typed.

use memchr::memchr;

/// The longest beginning that is looked at, in bytes. A request line that goes on beyond is taken
/// for one.
pub const LONGEST: usize = 4096;

/// What the bytes of a session are so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They may become either: keep them.
    Undecided,
    /// Lines of a chat.
    Chat,
    /// Something else. Nothing of it may be heard.
    Foreign(Foreign),
}

/// What is no chat, as far as it makes a difference in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// An HTTP request, of any version and method. `HEAD` wants an answer without a body.
    Http {
        /// The method is `HEAD`.
        is_head: bool,
    },
    /// A TLS handshake, or that of SSL 2.
    Tls,
    /// Any other protocol, by its name.
    Other(&'static str),
}

/// How a PROXY header of version 2 begins.
pub(in crate::server) const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Handshakes that are known by their first bytes.
const BEGINNINGS: [(&[u8], &str); 7] = [
    (b"SSH-1", "SSH"),
    (b"SSH-2", "SSH"),
    (b"PROXY TCP4 ", "the PROXY protocol"),
    (b"PROXY TCP6 ", "the PROXY protocol"),
    (b"PROXY UNKNOWN", "the PROXY protocol"),
    (b"JRMI\0", "RMI"),
    (b"AMQP\0", "AMQP"),
];

/// What the first line of a request may end with, before its version.
const PROTOCOLS: [&str; 4] = ["HTTP", "RTSP", "SIP", "ICAP"];

/// Methods whose name in capitals says enough: what follows may look like anything.
const METHODS: [&[u8]; 10] = [
    b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI",
];

/// Looks at everything that a session has sent so far. If it `has_ended`, no more will come.
#[must_use]
pub fn judge(opening: &[u8], has_ended: bool) -> Verdict {
    let undecided = match has_ended {
        true => Verdict::Chat,
        false => Verdict::Undecided,
    };
    if opening.starts_with(PROXY_V2) {
        return Verdict::Foreign(Foreign::Other("the PROXY protocol"));
    }
    if PROXY_V2.starts_with(opening) {
        return undecided;
    }
    let blanks = blanks(opening);
    if blanks >= LONGEST {
        return Verdict::Chat; // of few words
    }
    let text = &opening[blanks..];
    match text.first() {
        None => return undecided,
        Some(0 | 0x16 | 0x80..=0xBF) => return judge_handshake(text).unwrap_or(undecided),
        Some(_) => {}
    }
    for (beginning, name) in BEGINNINGS {
        if text.starts_with(beginning) {
            return Verdict::Foreign(Foreign::Other(name));
        }
    }
    let seen = &text[..text.len().min(LONGEST)];
    if let Some(end) = memchr(b'\n', seen) {
        return judge_line(&seen[..end]).map_or(Verdict::Chat, Verdict::Foreign);
    }
    match could_become(seen) {
        None => Verdict::Chat,
        // Nobody names a chat's room in four thousand letters.
        Some(foreign) if seen.len() == LONGEST => foreign.map_or(Verdict::Chat, Verdict::Foreign),
        Some(_) if has_ended => judge_line(seen).map_or(Verdict::Chat, Verdict::Foreign),
        Some(_) => undecided,
    }
}

/// How many bytes at the beginning are blank lines: nobody hears them, and HTTP servers step over
/// them, too.
fn blanks(opening: &[u8]) -> usize {
    let mut at = 0;
    while at < opening.len() {
        match opening[at] {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            0 if at > 0 && opening[at - 1] == b'\r' => at += 1, // the line end of telnet
            _ => break,
        }
    }
    at
}

/// Handshakes of bytes that no text begins with; `None` if more has to be seen. A lone byte of
/// another encoding than UTF-8 may be a letter.
fn judge_handshake(text: &[u8]) -> Option<Verdict> {
    let byte = |at: usize| text.get(at).copied();
    let is_foreign = match byte(0)? {
        // TLS: a record with a handshake, of version 3.x.
        0x16 => match byte(1)? {
            3 => byte(2)? <= 4,
            _ => false,
        },
        // STUN, which browsers speak to servers that a page names: a request, and its magic number.
        0 => {
            if byte(1)? > 3 {
                return Some(Verdict::Chat);
            }
            for (at, wanted) in [(4, 0x21), (5, 0x12), (6, 0xA4), (7, 0x42)] {
                if byte(at)? != wanted {
                    return Some(Verdict::Chat);
                }
            }
            return Some(Verdict::Foreign(Foreign::Other("STUN")));
        }
        // SSL 2: a length with its high bit set, a client's greeting, and a version.
        _ => match byte(1).and(byte(2))? {
            1 => match byte(3)? {
                3 => byte(4)? <= 4,
                0 => byte(4)? == 2,
                _ => false,
            },
            _ => false,
        },
    };
    Some(match is_foreign {
        true => Verdict::Foreign(Foreign::Tls),
        false => Verdict::Chat,
    })
}

/// What a whole first line is, if it is no chat.
fn judge_line(line: &[u8]) -> Option<Foreign> {
    let mut words = words(line);
    let (first, second, third) = (words.next()?, words.next(), words.next());
    if words.next().is_some() {
        return None;
    }
    match (first, second, third) {
        (b"EHLO" | b"LHLO", Some(_), None) => Some(Foreign::Other("SMTP")),
        // An array of strings, as Redis clients send it, with the line end that a person's `nc`
        // does not.
        ([b'*', count @ ..], None, None) => {
            let is_count = !count.is_empty() && count.iter().all(u8::is_ascii_digit);
            (is_count && line.ends_with(b"\r")).then_some(Foreign::Other("RESP"))
        }
        (method, Some(target), Some(version)) if is_token(method) => {
            let slash = memchr(b'/', version)?;
            let (protocol, number) = (&version[..slash], &version[slash + 1..]);
            let protocol = PROTOCOLS
                .iter()
                .find(|known| protocol.eq_ignore_ascii_case(known.as_bytes()))?;
            let is_number = number.first().is_some_and(u8::is_ascii_digit)
                && number
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || *byte == b'.');
            let fits = is_number && (METHODS.contains(&method) || is_target(target));
            fits.then(|| named(protocol, method))
        }
        _ => None,
    }
}

/// Whether more bytes could make a foreign first line of this, and which, if it should never end.
#[expect(
    clippy::option_option,
    reason = "none at all, or one that cannot be told yet"
)]
fn could_become(text: &[u8]) -> Option<Option<Foreign>> {
    let ends_in_blank = text.last().is_some_and(|byte| is_blank(*byte));
    let mut words = words(text);
    let (first, second, third) = (words.next()?, words.next(), words.next());
    let (Some(target), false) = (second, words.next().is_some()) else {
        // One word, or too many.
        return (second.is_none() && is_token(first)).then_some(None);
    };
    if third.is_none() && matches!(first, b"EHLO" | b"LHLO") {
        return Some(None);
    }
    if !is_token(first) {
        return None;
    }
    let target_fits = match third {
        None if !ends_in_blank => could_be_target(target),
        _ => is_target(target),
    };
    let version_fits = third.is_none_or(|version| could_be_version(version, ends_in_blank));
    let fits = version_fits && (target_fits || METHODS.contains(&first));
    fits.then(|| Some(named("HTTP", first)))
}

fn named(protocol: &'static str, method: &[u8]) -> Foreign {
    match protocol {
        "HTTP" => Foreign::Http {
            is_head: method.eq_ignore_ascii_case(b"HEAD"),
        },
        other => Foreign::Other(other),
    }
}

/// A path, `*`, or something with a scheme: what people seldom put between two words, and a
/// request always.
fn is_target(word: &[u8]) -> bool {
    match word.first() {
        Some(b'/') => true,
        Some(b'*') => word.len() == 1,
        _ => memchr(b':', word).is_some_and(|colon| is_scheme(&word[..colon])),
    }
}

fn could_be_target(word: &[u8]) -> bool {
    is_target(word) || is_scheme(word)
}

fn is_scheme(word: &[u8]) -> bool {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    word.first().is_some_and(u8::is_ascii_alphabetic) && word.iter().all(is_inside)
}

/// Whether a last word is a version, or may become one.
fn could_be_version(word: &[u8], is_whole: bool) -> bool {
    let Some(slash) = memchr(b'/', word) else {
        let begins = |known: &str| {
            let known = known.as_bytes().get(..word.len());
            known.is_some_and(|known| known.eq_ignore_ascii_case(word))
        };
        return !is_whole && PROTOCOLS.iter().any(|known| begins(known));
    };
    let (protocol, number) = (&word[..slash], &word[slash + 1..]);
    let is_known = |known: &str| protocol.eq_ignore_ascii_case(known.as_bytes());
    PROTOCOLS.iter().any(|known| is_known(known))
        && number
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// A method is a token, RFC 9110 says.
fn is_token(word: &[u8]) -> bool {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    word.iter().all(is_inside)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = line.split(|byte| is_blank(*byte));
    words.filter(|word| !word.is_empty())
}

/// What to answer with. `place` is where browsers chat, in words.
#[must_use]
pub fn answer(foreign: Foreign, place: &str) -> Vec<u8> {
    match foreign {
        // A fatal alert, that the handshake fails, of TLS 1.0, which every version understands.
        Foreign::Tls => vec![0x15, 3, 1, 0, 2, 2, 40],
        Foreign::Http { is_head } => refusal(
            is_head,
            &format!("This port is for lines of text, as nc and telnet send them. {place}\n"),
        ),
        Foreign::Other(name) => format!(
            "! Disconnected: this port is for lines of text, and what came is {name}. {place}\r\n"
        )
        .into_bytes(),
    }
}

/// What to answer in the clear, where TLS is spoken, to somebody who has begun with this. `place`
/// is where browsers go, in words.
#[must_use]
pub fn answer_in_the_clear(began: &[u8], place: &str) -> Vec<u8> {
    match judge(began, true) {
        Verdict::Foreign(Foreign::Http { is_head }) => {
            let text = format!("This port speaks TLS, and what came does not. {place}\n");
            refusal(is_head, &text)
        }
        Verdict::Foreign(Foreign::Tls) => answer(Foreign::Tls, place),
        Verdict::Foreign(Foreign::Other(_)) | Verdict::Chat | Verdict::Undecided => {
            b"! This port speaks TLS, and what came does not: try openssl s_client, or ncat --ssl.\r\n"
                .to_vec()
        }
    }
}

/// An answer to a request of HTTP.
fn refusal(is_head: bool, text: &str) -> Vec<u8> {
    let length = text.len();
    let body = if is_head { "" } else { text };
    let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
                X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n";
    format!("{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

#[cfg(test)]
mod tests;

//! Text that is cut anywhere by the network, put together again.

use super::{Context, Socket};
use crate::event_loop::{CallbackResult, CallbackSite};

/// Turns bytes into text however they are cut (Node's `string_decoder`, for UTF-8).
///
/// An incomplete character is held back until the rest of it comes. Bytes that cannot be UTF-8
/// become U+FFFD.
///
/// ```
/// use loopchat::net::StringDecoder;
/// let mut decoder = StringDecoder::new();
/// assert_eq!(decoder.write(b"a\xE2\x82"), "a");
/// assert_eq!(decoder.write(b"\xAC"), "\u{20AC}");
/// decoder.write(b"\xE2");
/// assert_eq!(decoder.end(), "\u{FFFD}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct StringDecoder {
    /// The beginning of a character, at most three bytes.
    held: Vec<u8>,
}

impl StringDecoder {
    /// A decoder that holds nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of what came before and these bytes, up to the last whole character.
    pub fn write(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let whole = all.len() - incomplete(&all);
        self.held = all.split_off(whole);
        String::from_utf8_lossy(&all).into_owned()
    }

    /// What is still incomplete at the end: U+FFFD, or nothing.
    pub fn end(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.held)).into_owned()
    }
}

/// How many bytes at the end are the beginning of a character that may still be completed.
fn incomplete(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    for start in 0..tail.len() {
        // `error_len` is none if the input ended too early, and some if it can never be valid.
        if let Err(error) = std::str::from_utf8(&tail[start..])
            && error.valid_up_to() == 0
            && error.error_len().is_none()
        {
            return tail.len() - start;
        }
    }
    0
}

impl Socket {
    /// Calls back with text instead of bytes (`setEncoding('utf8')` and `on('data')`): a character
    /// that is cut comes whole, with the bytes that complete it; one still incomplete at the end
    /// comes as U+FFFD before [`Event::End`](super::Event::End).
    #[track_caller]
    pub fn on_text<S, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        mut callback: impl FnMut(&mut S, &mut Context<S>, Self, &str) -> R + 'static,
    ) -> Self {
        let mut decoder = StringDecoder::new();
        let site = CallbackSite::caller();
        self.on_event(cx, move |state, cx, socket, event| {
            let text = match event {
                super::Event::Data(bytes) => decoder.write(bytes),
                super::Event::End => decoder.end(),
                _ => return,
            };
            if !text.is_empty() {
                let returned = callback(state, cx, socket, &text);
                socket.check(cx, site, event.name(), returned);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_of_a_text_gives_the_same() {
        let bytes = "a\u{20AC}\u{1F600}b\u{E9}".as_bytes();
        let nasty = b"\xF0\x9F\xF0\x9F\x98\x80\xFF\xC3\xC3\xA9\xE2\x82";
        for input in [bytes, nasty.as_slice()] {
            let whole = String::from_utf8_lossy(input).into_owned();
            for cut in 0..=input.len() {
                let mut decoder = StringDecoder::new();
                let mut text = decoder.write(&input[..cut]);
                text += &decoder.write(&input[cut..]);
                text += &decoder.end();
                assert_eq!(text, whole, "cut at {cut}");
            }
        }
    }
}

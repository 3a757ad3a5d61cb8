//! What was said in one room in one turn.

use std::cell::OnceCell;
use std::rc::Rc;

use crate::chat::Event;
use crate::http::web_socket;

use crate::server::core::digests::Digest;
use crate::server::core::rendering::{Framing, FramingId, Heard};

/// A buffer is kept for the next turn if it is no larger.
const KEEP: usize = 64 * 1024;

/// What one room has heard in one turn, in each framing in which somebody wants it.
///
/// It is put into bytes for the first who wants that, and shared by all who do: a room without
/// browsers pays nothing for theirs.
#[derive(Debug, Default)]
pub struct Batch {
    said: Vec<Said>,
    renderings: Vec<(FramingId, Rendering)>,
    /// How many of them are messages.
    messages: u32,
    /// About how many bytes they are, in whichever framing.
    weight: usize,
}

/// What a room hears.
#[derive(Clone, Debug)]
pub enum Said {
    /// Something happens.
    Event(Event),
    /// The same, of which its author is told in a way of its own.
    Unechoed(Event),
    /// Those who came and went in a second.
    Digest(Rc<Digest>),
}

/// A batch in one framing.
#[derive(Debug, Default)]
pub struct Rendering {
    bytes: Rc<Vec<u8>>,
    /// Where each of the batch ends.
    ends: Vec<usize>,
    /// The same as one WebSocket message, made for the first who wants it.
    frame: OnceCell<Rc<Vec<u8>>>,
}

impl Said {
    pub(super) fn heard(&self) -> Heard<'_> {
        match self {
            Self::Event(event) | Self::Unechoed(event) => Heard::Event(event),
            Self::Digest(digest) => Heard::Digest(digest),
        }
    }

    /// Somebody says it: it is left out first for those who read too slowly.
    pub(super) fn is_message(&self) -> bool {
        matches!(self, Self::Event(event) | Self::Unechoed(event) if event.is_message())
    }

    /// Who has said it hears it, too, in a framing that [echoes](Framing::echoes): it has a place
    /// there, and no answer tells of that.
    pub(super) fn is_echoed(&self) -> bool {
        matches!(self, Self::Event(Event::Message(_) | Event::Topic(_)))
    }

    /// About how many bytes it is, where so many stand beside each text.
    fn weight(&self, besides: usize) -> usize {
        let (Self::Event(event) | Self::Unechoed(event)) = self else {
            return besides;
        };
        besides
            + match event {
                Event::Message(message) => message.text.len(),
                Event::Topic(set) => set.topic.len(),
                Event::Announcement(announcement) => announcement.text.len(),
                _ => 0,
            }
    }
}

impl Batch {
    /// Adds something; beside its text there are so many bytes, in the framing that has most.
    pub(super) fn push(&mut self, said: Said, besides: usize) {
        self.messages += u32::from(said.is_message());
        self.weight += said.weight(besides);
        self.said.push(said);
    }

    /// How many messages it holds, if it holds nothing else: all that there is to know of it for
    /// a member that is behind.
    pub(super) fn only_messages(&self) -> Option<u32> {
        (self.messages as usize == self.said.len()).then_some(self.messages)
    }

    /// How many messages come after the first `seen`.
    pub(super) fn messages_after(&self, seen: usize) -> u32 {
        if seen == 0 {
            return self.messages;
        }
        let rest = self.said[seen..].iter();
        rest.filter(|said| said.is_message()).count() as u32
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.said.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// About how many bytes it is.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// All of it in a framing.
    pub(super) fn rendering(&mut self, id: FramingId, framings: &[Framing]) -> &Rendering {
        let known = self.renderings.iter().position(|(other, _)| *other == id);
        let at = known.unwrap_or_else(|| {
            self.renderings.push((id, Rendering::default()));
            self.renderings.len() - 1
        });
        let rendering = &mut self.renderings[at].1;
        if rendering.ends.len() < self.said.len() {
            rendering.add(&self.said, &framings[usize::from(id.0)]);
        }
        rendering
    }

    /// Copies what comes after the first `seen`, as a framing puts it.
    pub(super) fn copy_rest(
        &mut self,
        seen: usize,
        id: FramingId,
        framings: &[Framing],
        to: &mut Vec<u8>,
    ) {
        if seen < self.said.len() {
            let rendering = self.rendering(id, framings);
            to.extend_from_slice(&rendering.bytes[rendering.end_of(seen)..]);
        }
    }

    /// The same of what is wanted only.
    pub(super) fn copy_if(
        &mut self,
        seen: usize,
        id: FramingId,
        framings: &[Framing],
        to: &mut Vec<u8>,
        is_wanted: impl Fn(&Said) -> bool,
    ) {
        if !self.said[seen..].iter().any(&is_wanted) {
            return;
        }
        self.rendering(id, framings);
        let rendering = self.renderings.iter().find(|(other, _)| *other == id);
        let Some((_, rendering)) = rendering else {
            return;
        };
        for at in seen..self.said.len() {
            if is_wanted(&self.said[at]) {
                let (start, end) = (rendering.end_of(at), rendering.ends[at]);
                to.extend_from_slice(&rendering.bytes[start..end]);
            }
        }
    }

    /// How many come after the first `seen` that are wanted, and for which a framing has words.
    pub(super) fn lines_after(
        &mut self,
        seen: usize,
        id: FramingId,
        framings: &[Framing],
        is_wanted: impl Fn(&Said) -> bool,
    ) -> u32 {
        self.rendering(id, framings);
        let rendering = self.renderings.iter().find(|(other, _)| *other == id);
        let Some((_, rendering)) = rendering else {
            return 0;
        };
        let is_said =
            |&at: &usize| rendering.ends[at] > rendering.end_of(at) && is_wanted(&self.said[at]);
        (seen..rendering.ends.len()).filter(is_said).count() as u32
    }

    /// What comes after the first `seen`.
    pub(super) fn rest(&self, seen: usize) -> &[Said] {
        &self.said[seen..]
    }

    /// Makes it empty, for the next turn. Its memory is kept, unless it was much or is still
    /// waiting to be sent to somebody.
    pub(super) fn clear(&mut self) {
        self.said.clear();
        for (_, rendering) in &mut self.renderings {
            rendering.clear();
        }
        (self.messages, self.weight) = (0, 0);
    }
}

impl Rendering {
    /// Whole lines.
    #[must_use]
    pub fn bytes(&self) -> &Rc<Vec<u8>> {
        &self.bytes
    }

    /// All of it as one text message of a server's, encoded once for all who get it so.
    #[must_use]
    pub fn frame(&self) -> &Rc<Vec<u8>> {
        self.frame.get_or_init(|| {
            // It was put together from text: nothing is lost, and nothing copied but into the
            // frame.
            web_socket::encode_text(&String::from_utf8_lossy(&self.bytes))
        })
    }

    fn add(&mut self, said: &[Said], framing: &Framing) {
        self.frame.take();
        let bytes = Rc::make_mut(&mut self.bytes);
        for said in &said[self.ends.len()..] {
            (framing.render)(said.heard(), bytes);
            self.ends.push(bytes.len());
        }
    }

    /// Where the first so many end.
    fn end_of(&self, count: usize) -> usize {
        match count {
            0 => 0,
            count => self.ends[count - 1],
        }
    }

    fn clear(&mut self) {
        match Rc::get_mut(&mut self.bytes) {
            Some(bytes) if bytes.capacity() <= KEEP => bytes.clear(),
            _ => self.bytes = Rc::default(),
        }
        self.ends.clear();
        self.frame.take();
    }
}

//! The board: the rooms, as members on the web door see them beside what is said.
//!
//! It is one text message, encoded once for all of them, sent at most once a second and only when
//! something on it has changed. Who does not keep up goes without, and gets the next one when it
//! has caught up. While nobody is on the web door there is no board, and nothing is counted or
//! set.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::chat::{Chat, Millis};
use crate::http::web_socket;

/// How many rooms are on it: as many as `/rooms` names.
const LISTED: usize = 40;

/// It is renewed no more often, in milliseconds.
const PERIOD: Millis = 1000;

/// What is shown of the rooms, and to how many.
#[derive(Default)]
pub(in crate::server) struct Board {
    /// The message as it was last sent. `None` while nobody looks.
    frame: Option<Rc<Vec<u8>>>,
    /// Which state of the chat it shows.
    version: u64,
    /// When it was made.
    made: Millis,
    viewers: usize,
}

impl Board {
    /// One more looks at it: the message to send it.
    pub(in crate::server) fn enter(&mut self, chat: &Chat, now: Millis) -> Rc<Vec<u8>> {
        self.viewers += 1;
        if self.frame.is_none() {
            self.renew(chat, now);
        }
        self.frame.clone().unwrap_or_default()
    }

    /// One of them is gone.
    pub(in crate::server) fn leave(&mut self) {
        self.viewers -= 1;
        if self.viewers == 0 {
            self.frame = None;
        }
    }

    /// The message as it was last sent; `None` if nobody looks.
    pub(in crate::server) fn frame(&self) -> Option<Rc<Vec<u8>>> {
        self.frame.clone()
    }

    /// When [`renewed`](Self::renewed) is to be called next, if somebody looks and something has
    /// changed.
    pub(in crate::server) fn next_renewal(&self, chat: &Chat) -> Option<Millis> {
        let stale = self.frame.is_some() && self.version != chat.rooms_version();
        stale.then_some(self.made + PERIOD)
    }

    /// The message to send to all, if it is time for one and it is another than the last.
    pub(in crate::server) fn renewed(&mut self, chat: &Chat, now: Millis) -> Option<Rc<Vec<u8>>> {
        if self.next_renewal(chat).is_none_or(|due| now < due) {
            return None;
        }
        let last = self.frame.take();
        self.renew(chat, now);
        self.frame
            .clone()
            .filter(|frame| Some(frame) != last.as_ref())
    }

    fn renew(&mut self, chat: &Chat, now: Millis) {
        let rooms: Vec<Value> = chat
            .rooms()
            .take(LISTED)
            .map(|room| json!({ "name": room.name, "members": room.members, "said": room.said }))
            .collect();
        let text = json!({ "kind": "board", "rooms": rooms }).to_string();
        self.frame = Some(web_socket::encode_text(&text));
        self.version = chat.rooms_version();
        self.made = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Config, Effect, MemberId, Peer};
    use crate::room_log::{MemoryLog, RoomLog};

    fn connect(chat: &mut Chat) -> MemberId {
        let peer = Peer::Tcp([127, 0, 0, 1].into());
        chat.connect(peer, 0, 0, &mut Vec::new()).expect("room")
    }

    fn shown(frame: &[u8]) -> Value {
        let start = frame.iter().position(|&byte| byte == b'{').expect("JSON");
        serde_json::from_slice(&frame[start..]).expect("JSON")
    }

    #[test]
    fn it_is_renewed_once_a_second_and_only_if_it_changes() {
        let mut chat = Chat::new(Config::default());
        let mut board = Board::default();
        let ann = connect(&mut chat);
        assert_eq!(board.next_renewal(&chat), None, "nobody looks");
        let first = board.enter(&chat, 5000);
        let lobby =
            json!({ "kind": "board", "rooms": [{ "name": "lobby", "members": 1, "said": 0 }] });
        assert_eq!(shown(&first), lobby);
        assert_eq!(board.next_renewal(&chat), None);
        let mut effects = Vec::new();
        chat.line(ann, "hello", 5100, 0, &mut effects);
        let Some(Effect::Append(draft)) = effects.pop() else {
            panic!("something is said")
        };
        let settled = MemoryLog::default().append(draft, 0);
        chat.settle(settled.expect("at once"), 5100, &mut effects);
        assert_eq!(board.next_renewal(&chat), Some(6000));
        assert_eq!(board.renewed(&chat, 5999), None);
        let second = board.renewed(&chat, 6000).expect("it is another");
        assert_eq!(shown(&second)["rooms"][0]["said"], 1);
        // Back and forth within a second: nothing to see.
        chat.line(ann, "/join tea", 6100, 0, &mut Vec::new());
        chat.line(ann, "/join lobby", 6200, 0, &mut Vec::new());
        assert_eq!(board.next_renewal(&chat), Some(7000));
        assert_eq!(board.renewed(&chat, 7000), None);
        assert_eq!(board.next_renewal(&chat), None);
        board.leave();
        chat.line(ann, "hello", 7100, 0, &mut Vec::new());
        assert_eq!((board.next_renewal(&chat), board.frame()), (None, None));
    }

    #[test]
    fn a_thousand_rooms_are_no_larger_a_board_than_forty() {
        let mut chat = Chat::new(Config::default());
        for room in 0..60 {
            let guest = connect(&mut chat);
            chat.line(guest, &format!("/join {room}"), 0, 0, &mut Vec::new());
        }
        let frame = Board::default().enter(&chat, 0);
        assert_eq!(
            shown(&frame)["rooms"].as_array().map(Vec::len),
            Some(LISTED)
        );
    }
}

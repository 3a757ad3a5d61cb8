//! The books of what programs know by ids of their own: what is said again was said before, or is
//! new.

use std::collections::BTreeMap;

use loopchat::chat::{Audience, EventId, Place, Text};

use super::{Checked, violated};

/// What was said with an id of its client's, and was not refused.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who has heard it, and where; `None` as long as it has no place.
    pub heard: Option<(Audience, Place)>,
}

#[derive(Default)]
pub struct ClientIds {
    said: BTreeMap<Text, Said>,
    named: BTreeMap<EventId, Text>,
}

impl ClientIds {
    /// Something was given to the log that its client knows by this id.
    pub fn drafted(&mut self, client_id: &Text, event: EventId) -> Checked {
        let said = Said { heard: None };
        if let Some(before) = self.said.insert(client_id.clone(), said) {
            let seen = format!("{client_id}: {before:?}");
            return violated("what is said again is said once", seen);
        }
        self.named.insert(event, client_id.clone());
        Ok(())
    }

    /// It has its place; or has none, and may be said again.
    pub fn settled(&mut self, event: EventId, heard: Option<(Audience, Place)>) {
        let Some(client_id) = self.named.get(&event) else {
            return;
        };
        match heard {
            Some(heard) => {
                if let Some(said) = self.said.get_mut(client_id) {
                    said.heard = Some(heard);
                }
            }
            None => {
                self.said.remove(client_id);
            }
        }
    }

    pub fn said(&self, client_id: &Text) -> Option<&Said> {
        self.said.get(client_id)
    }

    /// As what its author's client knows something.
    pub fn of(&self, event: EventId) -> Option<&Text> {
        self.named.get(&event)
    }
}

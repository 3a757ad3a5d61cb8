//! The others: members who do nothing wrong, and must notice nothing of those who do.

use std::mem;

use super::*;

/// Lines each member says in a round.
const LINES: usize = 8;

/// Members who all talk at once and all check what they hear.
pub struct Crowd {
    /// Says nothing: the order in which it hears the others is the one there is.
    observer: Client,
    members: Vec<Client>,
    rounds: usize,
    /// What the observer heard between the lines of the rounds.
    aside: Vec<String>,
}

impl Crowd {
    pub fn new(server: &Server, size: usize) -> Self {
        Self {
            observer: server.join(),
            members: all_join(&server.address, size),
            rounds: 0,
            aside: Vec::new(),
        }
    }

    /// Everyone says some lines; once they are on their way, something happens. Then everyone has
    /// to have heard everyone else's lines, each once, in one order.
    pub fn round(&mut self, meanwhile: impl FnOnce()) {
        self.rounds += 1;
        let round = self.rounds;
        let mut said = Vec::new();
        for member in &mut self.members {
            let lines = (0..LINES).map(|n| format!("round {round} line {n} of {}", member.name));
            let lines: Vec<String> = lines.collect();
            member.send(lines.join("\n") + "\n");
            said.extend(lines.iter().map(|line| format!("{}: {line}", member.name)));
        }
        meanwhile();
        let order = hear(&mut self.observer, round, said.len(), &mut self.aside);
        for member in &mut self.members {
            let author = format!("{}: ", member.name);
            let own = |line: &&String| line.starts_with(&author);
            let spoken: Vec<_> = said.iter().filter(own).collect();
            let heard: Vec<_> = order.iter().filter(own).collect();
            assert_eq!(heard, spoken, "{} is not heard as it spoke", member.name);
            let others: Vec<_> = order.iter().filter(|line| !own(line)).cloned().collect();
            let heard = hear(member, round, others.len(), &mut Vec::new());
            assert!(heard == others, "{} hears another order", member.name);
        }
    }

    /// Waits until nobody else is in the lobby.
    pub fn alone(&mut self) {
        let count = self.members.len() + 1;
        let (observer, aside) = (&mut self.observer, &mut self.aside);
        eventually("the others to be gone", || {
            observer.say("/who");
            let (before, who) = observer.lines_until(|line| line.starts_with("* In #lobby ("));
            aside.extend(support::messages(before));
            who.starts_with(&format!("* In #lobby ({count}): "))
                .then_some(())
        });
    }

    /// What others have said since this was asked last, as the observer heard it.
    pub fn overheard(&mut self) -> Vec<String> {
        let mut heard = mem::take(&mut self.aside);
        heard.extend(support::messages(self.observer.sync()));
        heard
    }
}

/// The next so many lines of a round; what others say between them is kept aside.
fn hear(reader: &mut Client, round: usize, count: usize, aside: &mut Vec<String>) -> Vec<String> {
    let of_round = format!(": round {round} line ");
    let mut next = || {
        let (before, line) = reader.lines_until(|line| line.contains(&of_round));
        aside.extend(support::messages(before));
        line
    };
    (0..count).map(|_| next()).collect()
}

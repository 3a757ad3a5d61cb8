//! What a telnet client is answered (RFC 854, 855, 860, 1143).
//!
//! No option is ever agreed to, so there is little to remember: which offers and requests were
//! refused. Each is refused once, since an answer to an answer would be the beginning of a loop.
//! `DO TIMING-MARK` asks for no state but for a sign that what came before it has been read, and
//! gets it every time: a client shows nothing until then.

pub(in crate::server) const SE: u8 = 240;
pub(in crate::server) const ARE_YOU_THERE: u8 = 246;
pub(in crate::server) const GO_AHEAD: u8 = 249;
pub(in crate::server) const SB: u8 = 250;
pub(in crate::server) const WILL: u8 = 251;
pub(in crate::server) const WONT: u8 = 252;
pub(in crate::server) const DO: u8 = 253;
pub(in crate::server) const DONT: u8 = 254;
pub(in crate::server) const IAC: u8 = 255;

const TIMING_MARK: u8 = 6;

/// A telnet command, without the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The peer offers an option.
    Will(u8),
    /// The peer does not use an option.
    Wont(u8),
    /// The peer asks for an option.
    Do(u8),
    /// The peer does not want an option.
    Dont(u8),
    /// The peer asks for a sign of life.
    AreYouThere,
    /// A command that wants no answer, or a subnegotiation.
    Other,
}

/// What one connection has been answered, and what is still to be sent to it.
#[derive(Debug, Default)]
pub(in crate::server) struct Negotiation {
    /// Bits, one for each option.
    refused_offers: [u64; 4],
    refused_requests: [u64; 4],
    answers: Vec<u8>,
}

impl Negotiation {
    /// Takes a command, and notes what it is answered with.
    pub(in crate::server) fn take(&mut self, command: Command) {
        match command {
            Command::Do(TIMING_MARK) => self.answers.extend([IAC, WILL, TIMING_MARK]),
            Command::Do(option) if set(&mut self.refused_requests, option) => {
                self.answers.extend([IAC, WONT, option]);
            }
            Command::Will(option) if set(&mut self.refused_offers, option) => {
                self.answers.extend([IAC, DONT, option]);
            }
            // Of an option that is not in use nothing is to be said; and a sign of life is a line.
            _ => {}
        }
    }

    /// What is to be sent, once.
    pub(in crate::server) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
    }

    /// Whether there is nothing to remember.
    pub(in crate::server) fn is_new(&self) -> bool {
        self.answers.is_empty() && self.refused_offers == [0; 4] && self.refused_requests == [0; 4]
    }
}

/// Sets an option's bit; false if it was set.
fn set(bits: &mut [u64; 4], option: u8) -> bool {
    let (word, bit) = (&mut bits[usize::from(option / 64)], 1 << (option % 64));
    let is_new = *word & bit == 0;
    *word |= bit;
    is_new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(commands: &[Command]) -> Vec<u8> {
        let mut negotiation = Negotiation::default();
        commands
            .iter()
            .for_each(|&command| negotiation.take(command));
        negotiation.take_answers()
    }

    #[test]
    fn offers_and_requests_are_refused_once() {
        for option in 0..=255 {
            let refusals = [IAC, DONT, option, IAC, WONT, option];
            let asked = [Command::Will(option), Command::Do(option)];
            if option != TIMING_MARK {
                assert_eq!(answers(&asked), refusals);
                assert_eq!(answers(&[asked, asked, asked].concat()), refusals);
            }
            assert!(answers(&[Command::Wont(option), Command::Dont(option)]).is_empty());
        }
    }

    #[test]
    fn what_is_sent_for_ever_is_answered_so_often_as_there_are_options() {
        let all = |_| (0..=255).flat_map(|option| [Command::Will(option), Command::Do(option)]);
        let without_marks: Vec<Command> = (0..100)
            .flat_map(all)
            .filter(|command| *command != Command::Do(TIMING_MARK))
            .collect();
        assert_eq!(answers(&without_marks).len(), 3 * (256 + 255));
    }

    #[test]
    fn a_timing_mark_is_given_every_time() {
        let mark = [IAC, WILL, TIMING_MARK];
        let asked = [Command::Other, Command::Do(TIMING_MARK)];
        assert_eq!(answers(&[asked, asked].concat()), [mark, mark].concat());
    }

    #[test]
    fn two_that_refuse_everything_come_to_an_end() {
        let (mut here, mut there) = (Negotiation::default(), Negotiation::default());
        (0..=255).for_each(|option| here.take(Command::Do(option)));
        let mut rounds = 0;
        let mut bytes = here.take_answers();
        while !bytes.is_empty() {
            rounds += 1;
            assert!(rounds < 4, "they answer each other's answers");
            let (from, to) = match rounds % 2 {
                1 => (&mut here, &mut there),
                _ => (&mut there, &mut here),
            };
            for command in bytes.chunks(3) {
                to.take(match command[1] {
                    WILL => Command::Will(command[2]),
                    WONT => Command::Wont(command[2]),
                    DO => Command::Do(command[2]),
                    _ => Command::Dont(command[2]),
                });
            }
            assert!(from.take_answers().is_empty());
            bytes = to.take_answers();
        }
    }
}

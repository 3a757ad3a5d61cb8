//! Rules 2 and 9, in every mixture: a socket that has enough is not read, and hands out its share
//! a turn.
//!
//! What matters here is not one order of pauses, resumes and bytes given back, but all of them; so
//! the orders are drawn, from seeds, and after every turn the same must hold.

use std::io::{Read, Write};
use std::rc::Rc;
use std::sync::LazyLock;

use loopchat::net::{Event, Socket, held_bytes};
use loopchat::{Context, EventLoop};

use crate::in_process::{Family, Peer, Rig, World, after_turns, each_family, pattern};

/// What one read takes at most, and what a socket hands out in one turn.
const PIECE: usize = 64 * 1024;

/// Bytes from which on a socket is not read.
const MARK: usize = 16 * 1024;

/// Draws numbers that only look random.
#[derive(Default)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

/// What a reader that is never content has seen.
#[derive(Default)]
struct Reader {
    dice: Dice,
    turn: usize,
    /// Bytes that it took, all of which must be as they were sent.
    taken: usize,
    /// Bytes handed out in this turn.
    handed: usize,
    socket: Option<Socket>,
}

impl Reader {
    /// Takes some of what came, gives the rest back in some way, and does something to the flow.
    fn data(&mut self, cx: &mut Context<Self>, socket: Socket, bytes: &[u8]) {
        self.handed += bytes.len();
        let take = match self.dice.roll(4) {
            0 => 0,
            1 => bytes.len(),
            _ => self.dice.roll(bytes.len().min(2000)),
        };
        let expected = &sent_from(self.taken)[..take];
        assert!(bytes[..take] == *expected, "in order, and each once");
        self.taken += take;
        self.flow(cx, socket);
        let rest = &bytes[take..];
        match self.dice.roll(3) {
            0 => {
                // In two parts, of which one is a copy.
                let (first, second) = rest.split_at(self.dice.roll(rest.len() + 1));
                socket.unshift(cx, second.to_vec().as_slice());
                socket.unshift(cx, first);
            }
            1 => {
                let (first, second) = rest.split_at(self.dice.roll(rest.len() + 1));
                socket.unshift(cx, second).unshift(cx, first);
            }
            _ => {
                socket.unshift(cx, rest);
            }
        }
        self.flow(cx, socket);
    }

    fn flow(&mut self, cx: &mut Context<Self>, socket: Socket) {
        match self.dice.roll(8) {
            0 => {
                socket.pause(cx).resume(cx);
            }
            1 => {
                socket.pause(cx);
                cx.next_tick(move |_, cx| socket.resume(cx));
            }
            2 => {
                socket.pause(cx);
                cx.set_immediate(move |_, cx| socket.resume(cx).pause(cx).resume(cx));
            }
            3 => {
                socket.pause(cx);
                let turns = self.dice.roll(3);
                after_turns(cx, turns, move |_, cx| {
                    socket.resume(cx);
                });
            }
            4 => {
                // As one protocol hands a socket to the next.
                socket.remove_all_listeners(cx);
                listen(cx, socket);
            }
            _ => {}
        }
    }
}

fn listen(cx: &mut Context<Reader>, socket: Socket) {
    socket.on_event(cx, |reader: &mut Reader, cx, socket, event| {
        if let Event::Data(bytes) = event {
            reader.data(cx, socket, bytes);
        }
    });
}

/// Catches: reading anew with every `resume`, however much is kept; a turn in which a paused and
/// resumed socket hands out all it has; bytes that are lost, doubled or moved on the way.
#[test]
fn rule_9_whatever_is_done_to_a_socket_it_holds_no_more_than_the_mark_and_one_read() {
    each_family(|family| {
        for seed in 0..20 {
            hold_on_to_everything(family, seed);
        }
    });
}

fn hold_on_to_everything(family: Family, seed: u64) {
    let mut rig = Rig::<Reader>::new(family);
    let mut peer = rig.peer();
    peer.set_nonblocking(true);
    rig.server
        .on_connection(&mut rig.event_loop, |reader: &mut Reader, cx, socket| {
            reader.socket = Some(socket);
            socket.remove_all_listeners(cx);
            listen(cx, socket);
        });
    let mut reader = Reader {
        dice: Dice(seed),
        ..Reader::default()
    };
    let mut sent = 0;
    while reader.turn < 300 || reader.taken == 0 {
        reader.turn += 1;
        reader.handed = 0;
        sent += top_up(&mut peer, sent);
        rig.event_loop.turn(&mut reader).expect("the poll works");
        let Some(socket) = reader.socket else {
            continue;
        };
        let (kept, read) = (
            socket.readable_length(&rig.event_loop),
            socket.bytes_read(&rig.event_loop),
        );
        let turn = reader.turn;
        assert!(kept < MARK + PIECE, "seed {seed}, turn {turn}: {kept} kept");
        assert_eq!(
            read,
            (kept + reader.taken) as u64,
            "seed {seed}, turn {turn}"
        );
        assert!(
            reader.handed <= PIECE,
            "seed {seed}, turn {turn}: {} handed out",
            reader.handed
        );
    }
}

/// What the peer sends from a place on; no less than a read.
fn sent_from(place: usize) -> &'static [u8] {
    static SENT: LazyLock<Vec<u8>> = LazyLock::new(|| (0..=250).cycle().take(2 * PIECE).collect());
    &SENT[place % 251..]
}

/// Writes until the kernel takes no more, on from a place.
fn top_up(peer: &mut Peer, from: usize) -> usize {
    let mut count = 0;
    while let Ok(taken) = peer.write(sent_from(from + count)) {
        count += taken;
    }
    count
}

/// Catches: a read for every `resume`. Node stays at 131,072 bytes with this.
#[test]
fn rule_9_pausing_giving_all_back_and_resuming_reads_no_more() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.keep_sockets();
        let mut world = World {
            peers: rig.peers(1),
            ..World::default()
        };
        world.peers[0].set_nonblocking(true);
        rig.server.on_data(
            &mut rig.event_loop,
            |world: &mut World, cx, socket, bytes| {
                socket.pause(cx).unshift(cx, bytes);
                world.pieces.push((bytes.len(), world.turn));
                world.done = world.pieces.len() == 500;
                cx.set_immediate(move |_, cx| socket.resume(cx));
            },
        );
        while !world.done {
            world.peers[0].top_up();
            world.turn += 1;
            rig.event_loop.turn(&mut world).expect("the poll works");
        }
        let read = world.sockets[0].bytes_read(&rig.event_loop);
        assert!(read <= 2 * PIECE as u64, "{read} bytes");
        assert!(
            world.pieces.windows(2).all(|two| two[0].1 < two[1].1),
            "one a turn"
        );
    });
}

/// Catches: a reader of so many lines a turn that is called again and again in one, since it pauses
/// and resumes; and a turn that a socket with much to hand out takes from the others.
#[test]
fn rule_2_a_reader_that_gives_back_pauses_and_resumes_is_called_once_a_turn() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let mut peer = rig.peer();
        peer.send(&[b'\n'; 1000]);
        rig.server.on_data(
            &mut rig.event_loop,
            |world: &mut World, cx, socket, bytes| {
                world.pieces.push((bytes.len(), world.turn));
                world.done = bytes.len() == 1;
                socket.pause(cx).unshift(cx, &bytes[1..]).resume(cx);
            },
        );
        let mut world = World::default();
        rig.run_until_done(&mut world);
        let lengths: Vec<_> = world.pieces.iter().map(|(length, _)| *length).collect();
        assert!(lengths.iter().copied().eq((1..=1000).rev()));
        assert!(
            world.pieces.windows(2).all(|two| two[0].1 + 1 == two[1].1),
            "one a turn, and in each"
        );
    });
}

/// Catches: what was kept while paused handed out in one turn, on top of what this turn reads.
#[test]
fn rule_2_what_was_kept_and_what_is_read_are_one_share_of_a_turn() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.keep_sockets();
        rig.note_events();
        let sent = pattern(130_000);
        let mut peer = rig.peer();
        rig.server
            .on_connection(&mut rig.event_loop, |_, cx, socket| {
                socket.pause(cx);
            });
        let mut world = World::default();
        // Small pieces, each read in a turn of its own, until it has enough.
        let mut at = 0;
        for piece in [1000, 2000, 5000, 7999, 20_000] {
            peer.send(&sent[at..at + piece]);
            at += piece;
            while world
                .sockets
                .first()
                .map_or(0, |socket| socket.readable_length(&rig.event_loop))
                < at
            {
                world.turn += 1;
                rig.event_loop.turn(&mut world).expect("the poll works");
            }
        }
        peer.send(&sent[at..]);
        peer.shut_down_writing();
        world.sockets[0].resume(&mut rig.event_loop);
        while !world.events.iter().any(|event| event == "end") {
            world.turn += 1;
            rig.event_loop.turn(&mut world).expect("the poll works");
        }
        assert!(world.bytes == sent);
        for turn in 0..=world.turn {
            let pieces = world.pieces.iter().filter(|(_, at)| *at == turn);
            let handed: usize = pieces.map(|(length, _)| length).sum();
            assert!(handed <= PIECE, "turn {turn}: {handed}");
        }
    });
}

/// Catches: a piece for each byte that a paused socket is sent: 16 KiB of them would be a megabyte.
/// What is read while nobody takes it is joined.
#[test]
fn rule_9_single_bytes_that_come_while_paused_are_kept_together() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.keep_sockets();
        rig.note_events();
        let mut peer = rig.peer();
        rig.server
            .on_connection(&mut rig.event_loop, |_, cx, socket| {
                socket.pause(cx);
            });
        if let Peer::Tcp(stream) = &peer {
            stream.set_nodelay(true).expect("it is TCP");
        }
        let mut world = World::default();
        for sent in 1..=500 {
            peer.send(b"x");
            while world
                .sockets
                .first()
                .map_or(0, |socket| socket.readable_length(&rig.event_loop))
                < sent
            {
                rig.event_loop.turn(&mut world).expect("the poll works");
            }
        }
        rig.event_loop
            .set_immediate(|world: &mut World, cx| world.sockets[0].resume(cx));
        while world.bytes.len() < 500 {
            rig.event_loop.turn(&mut world).expect("the poll works");
        }
        assert_eq!(world.pieces.len(), 1);
    });
}

/// Catches: a pipe whose target takes nothing reads on, one read for each time its source is
/// resumed.
#[test]
fn rule_9_a_pipe_to_a_target_that_takes_nothing_stops_reading() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        rig.keep_sockets();
        let mut world = World {
            peers: rig.peers(2),
            ..World::default()
        };
        world.peers[0].set_nonblocking(true);
        rig.server
            .on_connection(&mut rig.event_loop, |world: &mut World, cx, _| {
                if let [from, to] = world.sockets[..] {
                    from.pipe(cx, to);
                }
            });
        // As much as the kernel takes, and then whatever it still reads.
        let (mut sent, mut before) = (0, 1);
        while sent != before || world.sockets.len() < 2 {
            before = sent;
            sent += world.peers[0].top_up();
            for _ in 0..50 {
                let turn: &mut EventLoop<World> = &mut rig.event_loop;
                turn.set_immediate(|_, _| {}); // it must not sleep
                turn.turn(&mut world).expect("the poll works");
            }
        }
        let [from, to] = world.sockets[..] else {
            panic!("two")
        };
        let (read, gone) = (
            from.bytes_read(&rig.event_loop),
            to.bytes_written(&rig.event_loop) - to.buffered(&rig.event_loop) as u64,
        );
        for _ in 0..1000 {
            from.resume(&mut rig.event_loop).pause(&mut rig.event_loop);
            rig.event_loop.set_immediate(|_, _| {});
            rig.event_loop.turn(&mut world).expect("the poll works");
        }
        assert!(from.bytes_read(&rig.event_loop) <= read + (MARK + PIECE) as u64);
        assert!(
            read - gone <= (2 * PIECE + MARK) as u64,
            "{read} read, {gone} gone"
        );
    });
}

/// What a crowd's reader has seen: how many bytes, each time.
#[derive(Default)]
struct Crowd {
    sockets: Vec<Socket>,
    pieces: Vec<(Socket, usize)>,
}

/// Catches: a program that sees that the turn is long already and cannot keep it from becoming
/// longer: all that a poll has found is read in full.
#[test]
fn rule_2_the_program_says_how_much_is_read_in_the_rest_of_a_turn() {
    each_family(|family| a_limited_turn(family, false));
}

/// Catches: the same with what was kept while nobody wanted it.
#[test]
fn rule_2_the_program_says_how_much_is_handed_out_in_the_rest_of_a_turn() {
    each_family(|family| a_limited_turn(family, true));
}

fn a_limited_turn(family: Family, kept: bool) {
    const SENT: usize = 10_000;
    const LIMIT: usize = 300;
    let mut rig = Rig::<Crowd>::new(family);
    rig.server
        .on_connection(&mut rig.event_loop, move |crowd: &mut Crowd, cx, socket| {
            crowd.sockets.push(socket);
            socket.remove_all_listeners(cx);
            socket.on_event(cx, |crowd: &mut Crowd, cx, socket, event| {
                if let Event::Data(bytes) = event {
                    crowd.pieces.push((socket, bytes.len()));
                    cx.set_read_limit(LIMIT);
                }
            });
            if kept {
                socket.pause(cx).unshift(cx, &pattern(SENT));
            }
        });
    let mut crowd = Crowd::default();
    let mut peers: Vec<Peer> = (0..5).map(|_| rig.peer()).collect();
    // They are accepted first, so that all are read in the same turns.
    while crowd.sockets.len() < peers.len() {
        rig.event_loop.turn(&mut crowd).expect("the poll works");
    }
    for (peer, socket) in peers.iter_mut().zip(&crowd.sockets) {
        match kept {
            true => drop(socket.resume(&mut rig.event_loop)),
            false => peer.send(&pattern(SENT)),
        }
    }
    let taken = |crowd: &Crowd| crowd.pieces.iter().map(|(_, length)| length).sum::<usize>();
    let mut limited = 0;
    while taken(&crowd) < peers.len() * SENT {
        let before = crowd.pieces.len();
        rig.event_loop.turn(&mut crowd).expect("the poll works");
        let pieces = &crowd.pieces[before..];
        for (place, (socket, length)) in pieces.iter().enumerate() {
            let others = &pieces[..place];
            assert!(others.is_empty() || *length <= LIMIT, "{pieces:?}");
            assert!(
                !others.iter().any(|(other, _)| other == socket),
                "{pieces:?}"
            );
            limited += usize::from(*length == LIMIT);
        }
    }
    assert!(
        limited > 0,
        "several were read in one turn: {:?}",
        crowd.pieces
    );
}

/// Catches: a socket that counts for less than is let go of with it, since some of a write is sent:
/// whoever is to go for what it holds is then not enough, and others go for nothing.
#[test]
fn rule_9_what_a_socket_holds_is_what_is_counted() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let mut peer = rig.peer();
        rig.server
            .on_connection(&mut rig.event_loop, |world: &mut World, cx, socket| {
                socket.remove_all_listeners(cx);
                socket.pause(cx).unshift(cx, &pattern(3000));
                for _ in 0..3 {
                    socket.write_shared(cx, &Rc::new(pattern(3_000_000)));
                    socket.write(cx, pattern(1000));
                }
                world.sockets.push(socket);
                world.done = true;
            });
        let before = held_bytes();
        let mut world = World::default();
        rig.run_until_done(&mut world);
        let socket = world.sockets[0];
        let held = |rig: &Rig<World>| socket.held(&rig.event_loop);
        assert!(held(&rig) > 3_000_000);
        for _ in 0..4 {
            assert_eq!(held(&rig), held_bytes() - before);
            peer.read_exact(&mut [0; 100_000]).expect("there is more");
            rig.event_loop.set_immediate(|_, _| {});
            rig.event_loop.turn(&mut world).expect("the poll works");
        }
    });
}

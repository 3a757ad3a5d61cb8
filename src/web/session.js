// Who one is, where, and who else is there: goes on after losses of the connection, and tells the
// views what has changed. Knows no element of the page.
//
// The page asks the server some things by itself. Whatever is answered answers the line that is not
// done yet, and each line knows whether a person wants to see that or only the page does.
//
// After a cut the server goes on with the session, tells exactly what was missed, and hears again
// what may not have arrived. If it cannot, the page is a newcomer that takes its name and its room
// again, and finds out from the history what it has missed.

import { Crowd } from "./crowd.js";
import { Hearing } from "./hearing.js";
import { Own } from "./own.js";
import { PrivateLogs } from "./private-logs.js";
import { Resuming } from "./resuming.js";
import { HISTORY, Scribe } from "./scribe.js";
import { Sent } from "./sent.js";
import { command, destination, newId, said } from "./typed.js";

// What stands where something is not.
const MAY_LACK = "Something that was said here may be missing";

// What is only shown.
const TOLD = [
  "unignored", "ignored", "hears", "own_rooms", "times", "rooms", "report", "muted", "unmuted", "carried_out", "bans", "mutes",
  "flooding",
];

// Why a session does not go on.
const NOT_RESUMED = ["cannot_resume", "not_understood"];

// Why somebody who is disconnected stays away: the others come back.
const FOR_GOOD = ["quit", "kicked", "banned", "resumed"];

export class Session {
  topic = null;
  commands = [];
  // The nicknames one has spoken with alone, most recent first.
  partners = [];
  people;
  #connection;
  #views;
  #memory;
  #sent;
  #resuming = new Resuming();
  #own;
  #hearing = new Hearing();
  #privateLogs = new PrivateLogs();
  #scribe;
  #isIn = false;
  // Whether one has one's name and room, as far as they were to be had: before that it is no use to go
  // on with a session.
  #isSettled = false;
  #isFirst = true;
  // Whether the connection was lost since one was in a room.
  #isBack = false;
  // The topic one has set and was told of before the room.
  #ownTopic = null;

  // `views` has a method for everything that can change, see chat.js. `memory` has `name` and `room`,
  // kept over a reload.
  constructor(connection, memory, views) {
    this.#connection = connection;
    this.#memory = memory;
    this.#views = views;
    this.#sent = new Sent(({ text, ref, clientId, request }) => {
      connection.send(request ? { ...request, ref } : { kind: "line", text, ref, client_id: clientId });
    });
    this.#own = new Own(views);
    const told = { hearing: this.#hearing, privateLogs: this.#privateLogs };
    this.#scribe = new Scribe({ ...told, sent: this.#sent, own: this.#own, memory, views });
    this.people = new Crowd(() => this.#ask("who", "/who"), (nicks, count) => views.people(nicks, count));
  }

  get name() {
    return this.#scribe.name;
  }

  get room() {
    return this.#scribe.room;
  }

  // --- what the page does ---

  // Sends one line as typed; false if there is no connection, and the line is still the caller's.
  say(typed) {
    if (!this.#isIn || !this.#connection.isOpen) return false;
    const own = said(typed);
    if (!own) {
      this.#sent.add(typed, { asks: command(typed).word, leads: destination(typed) });
      return true;
    }
    const meant = own.kind === "private" ? undefined : this.#sent.destination(this.room.toLowerCase());
    const line = this.#sent.add(typed, { clientId: newId(), meant, room: this.room });
    this.#own.show(line, this.#scribe.typed(own), this.#scribe.place(own.kind));
    if (own.kind === "private") this.#spokenWith(own.to);
    return true;
  }

  // What was said before one came, once for each room.
  askEarlier() {
    if (!this.#isIn || this.room !== this.#scribe.shown) return;
    const transcript = this.#hearing.transcript(this.room);
    if (transcript.isAsked) return;
    transcript.isAsked = true;
    this.#ask("history", `/history ${HISTORY}`, { precedes: this.room });
  }

  askCommands() {
    const isAsked = this.commands.length > 0 || this.#sent.has(({ asks }) => asks === "help");
    if (this.#isIn && !isAsked) this.#ask("help", "/help");
  }

  // --- what outlives the page ---

  // The page goes away: a reload of it goes on with the session.
  keep() {
    if (!this.#isSettled || !this.#resuming.isPossible) return;
    this.#memory.keepSession({
      token: this.#resuming.token,
      rooms: this.#hearing.positions,
      privateLogs: this.#privateLogs.positions,
      who: this.#scribe.who,
      messages: this.#sent.messages,
    });
  }

  // It is here again, and has not connected yet.
  takeUp() {
    const kept = this.#memory.takeSession();
    if (!kept) return;
    this.#resuming.granted(kept.token);
    this.#scribe.who = kept.who;
    this.#isSettled = true;
    this.#hearing.takeUp(kept.rooms);
    this.#privateLogs.takeUp(kept.privateLogs ?? []); // which a page of an older server has not kept
    for (const message of kept.messages) {
      this.#own.show(this.#sent.putBack(message), this.#scribe.typed(said(message.text)), this.#hearing.transcript(message.room));
    }
  }

  // --- what the connection does ---

  // The first word is which session goes on.
  opened() {
    if (!this.#resuming.isPossible) return;
    this.#resuming.begin();
    const rooms = [...this.#hearing.positions, ...this.#privateLogs.positions];
    const request = { kind: "resume", token: this.#resuming.token, rooms };
    this.#sent.ask("", { asks: "resume", request });
  }

  lost() {
    const wasIn = this.#isIn;
    this.#leave();
    if (this.#resuming.isPossible) return;
    this.#isSettled = false;
    if (!wasIn) return;
    this.#scribe.write({ kind: "divider", text: "Connection lost" });
    this.#giveUp();
  }

  // Kinds that are not known are left alone, and so are fields.
  received(event) {
    if (this.#resuming.keepsAside(event)) return;
    if (event?.number !== undefined) this.#scribe.reach(event);
    this.#handle(event);
  }

  #handle(event) {
    if (TOLD.includes(event?.kind)) return this.#scribe.told(event);
    switch (event?.kind) {
      case "hello": return this.#hello(event);
      case "token": return this.#resuming.granted(event.token);
      case "board": return this.#board(event);
      case "returned": return this.#returned(event);
      case "backlog": return this.#backlog(event);
      case "committed": return this.#scribe.committed(event);
      case "welcome": return this.#welcome(event);
      case "entered": return this.#entered(event);
      case "stayed": return this.#stayed(event);
      case "renamed": return this.#renamed(event);
      case "history": return this.#scribe.history(event);
      case "message":
      case "action": return this.#scribe.message(event);
      case "private": return this.#spokenWith(this.#scribe.private(event));
      case "redaction": return this.#scribe.redaction(event);
      case "deleted": return this.#scribe.deleted(event);
      case "presence": return this.#presence(event);
      case "members": return this.#members(event);
      case "room_topic": return this.#roomTopic(event);
      case "topic_set": return this.#topicSet(event);
      case "topic": return this.#newTopic(event);
      case "help": return this.#help(event);
      case "announcement": return this.#scribe.announcement(event);
      case "ignoring": return this.#scribe.ignoring(event);
      case "watching": return this.#watching(event);
      case "parted": return this.#parted(event);
      case "skipped": return this.#scribe.skipped(event);
      case "missed": return this.#scribe.missed(event);
      case "refused": return this.#refused(event);
      case "done": return this.#done(event);
      case "disconnected": return this.#disconnected(event);
    }
  }

  #hello({ time, limits }) {
    this.#scribe.skew = time - Date.now();
    this.#sent.limit = limits.client_ids;
  }

  #welcome({ nick, origin, room, topic, epoch, last, text }) {
    const before = this.name;
    const { name, room: wanted } = this.#memory;
    this.#isFirst = before === null;
    this.#connection.settled();
    this.#isIn = true;
    this.#scribe.origin = origin;
    this.#scribe.hasIgnored = false;
    this.#hearing.only([room]);
    this.#scribe.room = room;
    this.#setName(nick);
    this.#sent.open(room);
    if (name && name !== nick) this.#ask("nick", `/nick ${name}`, { wanted: name });
    if (wanted && wanted !== room) {
      this.#hearing.transcript(room).position = null; // one is only passing
      this.#ask("join", `/join ${wanted}`, { otherwise: { room, topic, epoch, last } });
      return;
    }
    this.#isSettled = !this.#isSettling();
    this.#enter({ room, topic, epoch, last });
    if (this.#isFirst) this.#scribe.notice(text);
    else if (!name && nick !== before) this.#scribe.notice(`You are ${nick} now.`);
    // Told once: whoever has a name has found out.
    if (this.#isFirst && !name) this.#scribe.notice("Type to talk. /help lists the commands, /nick NAME gives you a name.");
  }

  // The session goes on. What was missed of its rooms comes next.
  #returned({ nick, origin, room, topic, watched }) {
    const [before, shown] = [this.name, this.#scribe.shown];
    this.#resuming.settled();
    this.#connection.settled();
    this.#isIn = true;
    this.#scribe.origin = origin;
    this.#hearing.only([room, ...watched]);
    this.#setName(nick);
    this.#goTo(room, topic);
    if (room !== shown) this.#views.entered(room, this.#hearing.transcript(room));
    this.people.entered(room);
    if (before !== null && nick !== before) this.#lostName(before, "");
  }

  #backlog(event) {
    const { with: partner, room, complete, epoch, last, events } = event;
    if (partner !== undefined) {
      if (events.length > 0) this.#spokenWith(partner);
      return this.#scribe.privateBacklog(event);
    }
    const transcript = this.#hearing.transcript(room);
    const { position, isVisited } = transcript;
    if (room === this.room) transcript.isVisited = true;
    if (complete) {
      events.forEach((event) => this.#handle(event));
    } else if (position?.epoch === epoch && position.last >= last) {
      return; // it is known by another spelling of its name
    } else if (isVisited && room === this.room) {
      return this.#askMissed(room, { epoch, last }, true);
    } else if (transcript.entries.length > transcript.waiting) {
      this.#scribe.write({ kind: "divider", text: MAY_LACK }, transcript);
    }
    transcript.position = { epoch, last };
  }

  // It does not: one is a newcomer, and what one was told as such counts.
  #startAnew() {
    this.#sent.done(this.#sent.current.ref);
    this.#isSettled = false;
    const aside = this.#resuming.refused();
    if (this.#scribe.shown === null) this.#scribe.name = null;
    else this.#scribe.write({ kind: "divider", text: "Connection lost" });
    this.#giveUp();
    aside.forEach((event) => this.received(event));
  }

  #goTo(room, topic) {
    this.#scribe.room = room;
    this.#scribe.shown = room;
    this.#memory.room = room;
    this.#setTopic(topic);
  }

  #enter({ room, topic, epoch, last }) {
    this.#goTo(room, topic);
    const transcript = this.#hearing.transcript(room);
    const { isVisited } = transcript;
    const isBack = this.#isBack;
    this.#isBack = false;
    transcript.isVisited = true;
    if (isVisited) this.#askMissed(room, { epoch, last }, isBack);
    else transcript.position = { epoch, last };
    this.#views.entered(room, transcript);
    this.people.entered(room);
  }

  // What was missed of a room, as far as its history has it.
  #askMissed(room, position, isLoss) {
    const transcript = this.#hearing.transcript(room);
    transcript.markReturn(position);
    transcript.isAsked = true;
    this.#ask("history", `/history ${HISTORY}`, { returnsTo: room, isLoss });
  }

  #entered(event) {
    this.#hearing.remove(this.room);
    this.#hearing.add(event.room);
    this.#enter(event);
    if (this.#isQuiet("join")) return;
    this.#scribe.notice(event.text);
    if (event.kept) this.#scribe.notice("What is said here is kept.");
    if (event.linger_ms === null) return;
    const minutes = Math.ceil(event.linger_ms / 60_000);
    this.#scribe.notice(`What is said here is kept for ${minutes} min after the last has left.`);
  }

  #stayed({ text }) {
    if (this.#isQuiet("join")) this.#enter(this.#sent.current.otherwise);
    else this.#scribe.notice(text);
  }

  #watching({ room, epoch, last, text }) {
    this.#hearing.add(room);
    this.#hearing.transcript(room).position = { epoch, last };
    this.#scribe.notice(text);
  }

  #parted({ room, text }) {
    this.#hearing.remove(room);
    this.#scribe.notice(text);
  }

  #renamed({ nick, text }) {
    this.people.renamed(this.name, nick);
    this.#memory.name = nick;
    this.#setName(nick);
    if (!this.#isQuiet("nick")) this.#scribe.notice(text);
  }

  #presence(event) {
    this.#scribe.presence(event);
    if (event.room === this.room) this.people.presence(event);
  }

  #members(event) {
    if (event.room === this.room) this.people.members(event);
    if (!this.#isQuiet("who")) this.#scribe.notice(event.text);
  }

  #roomTopic({ room, topic, text }) {
    if (room === this.room) this.#setTopic(topic);
    this.#scribe.notice(text);
  }

  #topicSet({ room, topic, text }) {
    this.#ownTopic = topic;
    if (room === this.room) this.#setTopic(topic);
    this.#scribe.notice(text);
  }

  #newTopic({ room, nick, topic, time }) {
    const isTold = nick === this.name && topic === this.#ownTopic;
    this.#ownTopic = null;
    if (room === this.room) this.#setTopic(topic);
    if (!isTold) this.#scribe.write({ kind: "notice", text: `${nick} set the topic: ${topic}`, at: time }, this.#hearing.transcript(room));
  }

  #help(event) {
    const all = [...event.commands, ...event.orders];
    this.commands = all.map(({ usage, purpose }) => ({ word: usage.split(" ")[0], usage, purpose }));
    this.#views.commands();
    if (!this.#isQuiet("help")) this.#scribe.help(event);
  }

  #board({ rooms }) {
    this.people.board(rooms);
    this.#views.board(rooms);
  }

  #refused({ code, text, name, client_id }) {
    let line = this.#sent.heard(client_id) ?? this.#sent.current;
    // That may come later than what it answers.
    if (code === "not_delivered" && line?.entry?.to?.toLowerCase() !== name?.toLowerCase()) line = null;
    const isQuiet = (asks) => line?.asks === asks && line.isQuiet === true;
    if (line?.asks === "resume") {
      if (NOT_RESUMED.includes(code)) return this.#startAnew();
      if (code === "nickname_taken") return; // which name one has instead comes next
    } else if (isQuiet("nick")) {
      return this.#lostName(line.wanted, `${text} `);
    } else if (isQuiet("join")) {
      this.#enter(line.otherwise);
    } else if (line) {
      if (code === "line_too_long") this.#views.giveBack(line.text);
      this.#own.fail(line);
    }
    this.#scribe.write({ kind: "error", text });
    this.#views.refused(text);
  }

  #lostName(name, why) {
    const text = `The name ${name} was not to be had: you are ${this.name} for now.`;
    this.#scribe.write({ kind: "error", text: why === "" ? text : `${why}You are ${this.name} for now.` });
    this.#views.refused(text);
  }

  // All is said that a line brings. Of what was not heard by then there was nothing to be seen.
  #done({ ref }) {
    for (const line of this.#sent.done(ref)) {
      if (line.asks === "resume") this.#sent.open(this.room).forEach((astray) => this.#own.doubt(astray));
      else this.#own.withdraw(line);
    }
    this.#isSettled ||= this.#isIn && !this.#isSettling();
    this.#sent.flush();
  }

  #disconnected({ code, text }) {
    if (code === "quit") {
      this.#scribe.write({ kind: "divider", text });
    } else if (code === "shutdown") {
      this.#scribe.notice(text);
    } else {
      this.#scribe.write({ kind: "error", text });
      this.#views.refused(text);
    }
    if (!FOR_GOOD.includes(code)) return;
    this.#isSettled = false;
    this.#leave();
    this.#giveUp();
    this.#connection.stop();
  }

  // The connection is gone. What has no id of its own may have arrived, or not.
  #leave() {
    this.#isIn = false;
    this.#resuming.settled();
    if (!this.#isSettled) this.#resuming.forget();
    this.people.left();
    for (const line of this.#sent.cut()) {
      if (line.leads) this.#hearing.mayBeIn(line.leads);
      // It was not answered: it is to be asked again.
      if (line.returnsTo) this.#hearing.transcript(line.returnsTo).position = null;
      if (line.precedes) this.#hearing.transcript(line.precedes).isAsked = false;
      this.#own.doubt(line);
    }
  }

  // The session will not go on, and who comes back is another.
  #giveUp() {
    this.#isBack = true;
    this.#privateLogs.clear();
    this.#sent.clear().forEach((line) => this.#own.doubt(line));
  }

  #spokenWith(nick) {
    this.partners = [nick, ...this.partners.filter((other) => other !== nick)].slice(0, 20);
  }

  #setName(nick) {
    this.#scribe.name = nick;
    this.#views.renamed(nick);
  }

  #setTopic(topic) {
    this.topic = topic;
    this.#views.topic(topic);
  }

  // --- lines ---

  // Nobody has typed this: the answer is for the page alone.
  #ask(asks, text, more = {}) {
    this.#sent.ask(text, { asks, isQuiet: true, leads: destination(text), ...more });
  }

  // Whether the page has still to take its name, or its room.
  #isSettling() {
    return this.#sent.has(({ wanted, otherwise }) => wanted !== undefined || otherwise !== undefined);
  }

  // Whether what has come answers such a question of the page's own.
  #isQuiet(asks) {
    const line = this.#sent.current;
    return line?.asks === asks && line.isQuiet === true;
  }
}

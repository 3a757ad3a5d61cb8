// Who one is, where, and who else is there: keeps it over losses of the connection, and tells the
// views what has changed. Knows no element of the page.
//
// The page asks the server some things by itself. Whatever is answered answers the line that is not
// done yet, and each line knows whether a person wants to see that or only the page does.

import { after, sentence } from "./presence.js";
import { Sent } from "./sent.js";
import { Transcript } from "./transcript.js";
import { command, said } from "./typed.js";

const HISTORY = 200;
// How long who is here may be in doubt before `/who` is asked.
const SETTLES = 2_000;
const SETTLES_IN_A_CROWD = 5_000;
const CROWD = 40;

// Why somebody who is disconnected stays away: the others come back.
const FOR_GOOD = ["quit", "kicked", "banned"];

export class Session {
  name = null;
  room = null;
  topic = null;
  commands = [];
  // The nicknames one has spoken with alone, most recent first.
  partners = [];
  people = { nicks: [], count: 0 };
  #connection;
  #views;
  #memory;
  #sent = new Sent();
  #transcripts = new Map();
  // Where one comes from, as the server calls it.
  #origin;
  // The server's clock, as far as this one's is from it: what one types has no time of the server's yet.
  #skew = 0;
  #isIn = false;
  #isFirst = true;
  #shown = null;
  #lostAt = 0;
  #whoTimer = 0;
  // How many are in each room by the board, and whether all who have come and gone here were named.
  #onBoard = new Map();
  #isPeopleCertain = true;
  // Whether there may be somebody of whom the history says nothing.
  #hasIgnored = false;
  // The topic one has set and was told of before the room.
  #ownTopic = null;

  // `views` has a method for everything that can change, see chat.js. `memory` has `name` and `room`,
  // kept over a reload.
  constructor(connection, memory, views) {
    this.#connection = connection;
    this.#memory = memory;
    this.#views = views;
  }

  // --- what the page does ---

  // Sends one line as typed; false if there is no connection, and the line is still the caller's.
  say(typed) {
    if (!this.#isIn || !this.#connection.isOpen) return false;
    const own = said(typed);
    const line = this.#send(typed, { asks: own ? null : command(typed).word });
    if (!own) return true;
    const transcript = this.#place(own.kind);
    const entry = { ...own, nick: this.name, origin: this.#origin, own: true, at: this.#now() };
    transcript.wait(entry);
    Object.assign(line, { entry, transcript });
    if (own.kind === "private") this.#spokenWith(own.to);
    this.#views.wrote(transcript, entry);
    return true;
  }

  // What was said before one came, once for each room.
  askEarlier() {
    const transcript = this.#transcripts.get(this.#shown);
    if (!this.#isIn || this.room !== this.#shown || !transcript || transcript.isAsked) return;
    transcript.isAsked = true;
    this.#ask("history", `/history ${HISTORY}`);
  }

  askCommands() {
    const isAsked = this.commands.length > 0 || this.#sent.has(({ asks }) => asks === "help");
    if (this.#isIn && !isAsked) this.#ask("help", "/help");
  }

  // --- what the connection does ---

  lost() {
    if (!this.#isIn) return;
    this.#leave();
    this.#write({ kind: "divider", text: "Connection lost" });
  }

  // Kinds that are not known are left alone, and so are fields.
  received(event) {
    switch (event?.kind) {
      case "hello": return this.#hello(event);
      case "board": return this.#board(event);
      case "welcome": return this.#welcome(event);
      case "entered": return this.#entered(event);
      case "stayed": return this.#stayed(event);
      case "renamed": return this.#renamed(event);
      case "history": return this.#history(event);
      case "message":
      case "action": return this.#message(event);
      case "private": return this.#private(event);
      case "redaction": return this.#redaction(event);
      case "deleted": return this.#deleted(event);
      case "presence": return this.#presence(event);
      case "members": return this.#members(event);
      case "room_topic": return this.#roomTopic(event);
      case "topic_set": return this.#topicSet(event);
      case "topic": return this.#newTopic(event);
      case "help": return this.#help(event);
      case "announcement": return this.#notice(event.nick === null ? event.text : `Announcement by ${event.nick}: ${event.text}`);
      case "ignoring": return this.#ignoring(event);
      case "unignored":
      case "ignored":
      case "watching":
      case "hears":
      case "parted":
      case "own_rooms":
      case "times":
      case "rooms":
      case "report":
      case "muted":
      case "unmuted":
      case "carried_out":
      case "bans":
      case "mutes":
      case "skipped":
      case "missed":
      case "flooding": return event.text.split("\n").forEach((text) => this.#notice(text));
      case "refused": return this.#refused(event);
      // Of what was said by then there was nothing to be seen, or more would have come of it.
      case "done": return this.#sent.done(event.ref).forEach((line) => this.#withdraw(line));
      case "disconnected": return this.#disconnected(event);
    }
  }

  #hello({ time }) {
    this.#skew = time - Date.now();
  }

  #welcome({ nick, origin, room, topic, text }) {
    const before = this.name;
    const { name, room: wanted } = this.#memory;
    this.#isFirst = before === null;
    this.#connection.settled();
    this.#isIn = true;
    this.#origin = origin;
    this.#hasIgnored = false;
    this.room = room;
    this.#setName(nick);
    if (name && name !== nick) this.#ask("nick", `/nick ${name}`, { wanted: name });
    if (wanted && wanted !== room) {
      this.#ask("join", `/join ${wanted}`, { otherwise: { room, topic } });
      return;
    }
    this.#enter({ room, topic });
    if (this.#isFirst) this.#notice(text);
    else if (!name && nick !== before) this.#notice(`You are ${nick} now.`);
    // Told once: whoever has a name has found out.
    if (this.#isFirst && !name) this.#notice("Type to talk. /help lists the commands, /nick NAME gives you a name.");
  }

  #enter({ room, topic }) {
    this.room = room;
    this.#shown = room;
    this.#memory.room = room;
    this.#setTopic(topic);
    const transcript = this.#transcript(room);
    const lostAt = this.#lostAt;
    this.#lostAt = 0;
    const isReturn = transcript.isVisited;
    if (isReturn) transcript.markReturn();
    transcript.isVisited = true;
    this.#views.entered(room, transcript);
    this.#askWho();
    if (!isReturn) return;
    transcript.isAsked = true;
    this.#ask("history", `/history ${HISTORY}`, { returnsTo: room, isLoss: lostAt > 0 });
  }

  #entered(event) {
    this.#enter(event);
    if (this.#isQuiet("join")) return;
    this.#notice(event.text);
    if (event.linger_ms === null) return;
    const minutes = Math.ceil(event.linger_ms / 60_000);
    this.#notice(`What is said here is kept for ${minutes} min after the last has left.`);
  }

  #stayed({ text }) {
    if (this.#isQuiet("join")) this.#enter(this.#sent.current.otherwise);
    else this.#notice(text);
  }

  #renamed({ nick, text }) {
    const before = this.name;
    this.#memory.name = nick;
    this.#setPeople(this.people.nicks.map((other) => (other === before ? nick : other)), this.people.count);
    this.#setName(nick);
    if (!this.#isQuiet("nick")) this.#notice(text);
  }

  // An answer, or the last few messages that everybody gets who has come into a room.
  #history({ room, messages, complete }) {
    const line = this.#sent.current;
    const isAnswer = line?.asks === "history";
    const transcript = this.#transcript(room);
    const entries = messages.map((message) => this.#heard(message));
    // After a return they are part of the answer that is to come.
    if (!isAnswer && this.#sent.has(({ returnsTo }) => returnsTo === room)) return;
    if (isAnswer && line.returnsTo) this.#missed(transcript, entries, complete, line.isLoss);
    else transcript.merge(entries);
    this.#views.merged(transcript);
    if (!isAnswer || line.isQuiet) return;
    this.#notice(entries.length > 0 ? `The last ${entries.length} messages of #${room} are above.` : `Nothing has been said in #${room} yet.`);
  }

  #missed(transcript, entries, isWhole, isLoss) {
    const { missed, isExact, begin, changed } = transcript.mergeMissed(entries, { isWhole, isSelective: this.#hasIgnored });
    if (missed > 0) {
      const number = missed === 1 ? "1 message" : `${missed} messages`;
      transcript.insertDivider(begin, `${isExact ? "" : missed >= HISTORY ? "More than " : "At least "}${number} while you were away`);
    } else if (isLoss) {
      transcript.insertDivider(begin, "Connected again, nothing missed");
    }
    changed.forEach((entry) => this.#views.changed(entry));
  }

  #message(event) {
    const transcript = this.#transcript(event.room);
    const entry = this.#heard(event);
    if (this.#isEcho(entry) && this.#sent.current.transcript === transcript) {
      this.#settle(entry);
    } else {
      // Typed on the way from another room.
      if (this.#isEcho(entry)) this.#withdraw(this.#sent.current);
      if (transcript.append(entry)) this.#views.wrote(transcript, entry);
    }
    if (event.room === this.room) this.#views.heard();
  }

  #private(event) {
    const entry = this.#heard(event);
    if (this.#isEcho(entry)) return this.#settle(entry);
    this.#spokenWith(entry.own ? entry.to : entry.nick);
    this.#write(entry);
  }

  #redaction({ room, message }) {
    const entry = this.#transcript(room).redact(message);
    if (entry) this.#views.changed(entry);
  }

  #deleted({ room, message, text }) {
    this.#redaction({ room, message });
    this.#notice(text);
  }

  #ignoring({ text }) {
    this.#hasIgnored = true;
    this.#notice(text);
  }

  #presence(event) {
    this.#write({ kind: "notice", text: sentence(event), isPresence: true }, this.#transcript(event.room));
    if (event.room !== this.room) return;
    const { nicks, count } = after(this.people, event);
    this.#setPeople(nicks, count);
    this.#isPeopleCertain &&= ["joined", "left", "renamed"].every((list) => event[list].length === event[`${list}_count`]);
    this.#checkPeople();
  }

  #members({ room, count, nicks, text }) {
    if (room === this.room) {
      this.#isPeopleCertain = true;
      this.#setPeople(nicks, count);
      this.#checkPeople();
    }
    if (!this.#isQuiet("who")) this.#notice(text);
  }

  #roomTopic({ room, topic, text }) {
    if (room === this.room) this.#setTopic(topic);
    this.#notice(text);
  }

  #topicSet({ room, topic, text }) {
    this.#ownTopic = topic;
    if (room === this.room) this.#setTopic(topic);
    this.#notice(text);
  }

  #newTopic({ room, nick, topic }) {
    const isTold = nick === this.name && topic === this.#ownTopic;
    this.#ownTopic = null;
    if (room === this.room) this.#setTopic(topic);
    if (!isTold) this.#write({ kind: "notice", text: `${nick} set the topic: ${topic}` }, this.#transcript(room));
  }

  #help({ commands, orders }) {
    const all = [...commands, ...orders];
    this.commands = all.map(({ usage, purpose }) => ({ word: usage.split(" ")[0], usage, purpose }));
    this.#views.commands();
    if (this.#isQuiet("help")) return;
    const widest = Math.max(...all.map(({ usage }) => usage.length));
    const table = (entries) => {
      for (const { usage, purpose } of entries) this.#write({ kind: "notice", text: `  ${usage.padEnd(widest)}  ${purpose}`, isTable: true });
    };
    this.#notice("What does not start with / is said to the room. Commands:");
    table(commands);
    if (orders.length > 0) this.#notice("For operators only:");
    table(orders);
  }

  #board({ rooms }) {
    // A room of hundreds hears of nobody who comes and goes.
    this.#onBoard = new Map(rooms.map(({ name, members }) => [name, members]));
    this.#checkPeople();
    this.#views.board(rooms);
  }

  #refused({ code, text }) {
    if (this.#isQuiet("nick")) {
      const { wanted } = this.#sent.current;
      this.#write({ kind: "error", text: `${text} You are ${this.name} for now.` });
      this.#views.refused(`The name ${wanted} was not to be had: you are ${this.name} for now.`);
      return;
    } else if (this.#isQuiet("join")) {
      this.#enter(this.#sent.current.otherwise);
    } else {
      this.#failed(code);
    }
    this.#write({ kind: "error", text });
    this.#views.refused(text);
  }

  // Marks what was shown as said and was not.
  #failed(code) {
    const line = this.#sent.current;
    if (code === "line_too_long") this.#views.giveBack(line?.text ?? "");
    if (!line?.entry) return;
    const { entry, transcript } = line;
    line.entry = null;
    transcript.fail(entry, "not sent");
    this.#views.changed(entry, transcript);
  }

  #disconnected({ code, text }) {
    if (code === "quit") {
      this.#write({ kind: "divider", text });
    } else if (code === "shutdown") {
      this.#notice(text);
    } else {
      this.#write({ kind: "error", text });
      this.#views.refused(text);
    }
    if (!FOR_GOOD.includes(code)) return;
    this.#leave();
    this.#connection.stop();
  }

  #leave() {
    this.#isIn = false;
    this.#lostAt = Date.now();
    this.#checkPeople();
    for (const { entry, transcript } of this.#sent.clear()) {
      if (!entry) continue;
      transcript.doubt(entry);
      this.#views.changed(entry, transcript);
    }
  }

  // --- what was said ---

  // What somebody has said, as an entry.
  #heard({ kind, id, number, time, nick, origin, to, text }) {
    const own = nick === this.name && origin === this.#origin;
    const place = kind === "private" ? { to } : { id, number };
    return { kind, ...place, nick, origin, own, text, at: time };
  }

  // Whether it is what one's own line that is being answered has become.
  #isEcho(heard) {
    const line = this.#sent.current;
    return heard.own && line?.entry?.kind === heard.kind;
  }

  #settle(heard) {
    const line = this.#sent.current;
    const { entry, transcript } = line;
    line.entry = null;
    transcript.settle(entry, heard);
    this.#views.changed(entry, transcript);
  }

  #withdraw(line) {
    if (!line.entry) return;
    line.transcript.withdraw(line.entry);
    line.entry = null;
    this.#views.merged(line.transcript);
  }

  #transcript(room) {
    if (!this.#transcripts.has(room)) this.#transcripts.set(room, new Transcript());
    return this.#transcripts.get(room);
  }

  #notice(text) {
    this.#write({ kind: "notice", text });
  }

  #write(entry, transcript = this.#place(entry.kind)) {
    transcript.append({ at: this.#now(), ...entry });
    this.#views.wrote(transcript, entry);
  }

  // On the way back to one's room nobody reads what is said in the lobby.
  #place(kind) {
    const isForMe = ["divider", "private", "error"].includes(kind);
    return this.#transcript(isForMe ? this.#shown ?? this.#memory.room ?? this.room : this.room);
  }

  #now() {
    return Date.now() + this.#skew;
  }

  #spokenWith(nick) {
    this.partners = [nick, ...this.partners.filter((other) => other !== nick)].slice(0, 20);
  }

  #setName(nick) {
    this.name = nick;
    this.#views.renamed(nick);
  }

  #setTopic(topic) {
    this.topic = topic;
    this.#views.topic(topic);
  }

  #setPeople(nicks, count) {
    this.people = { nicks, count };
    this.#views.people(nicks, count);
  }

  // --- lines ---

  #send(text, about) {
    const line = this.#sent.add(text, about);
    this.#connection.send({ kind: "line", text, ref: line.ref });
    return line;
  }

  // Nobody has typed this: the answer is for the page alone.
  #ask(asks, text, more = {}) {
    this.#send(text, { asks, isQuiet: true, ...more });
  }

  // Whether what has come answers such a question of the page's own.
  #isQuiet(asks) {
    const line = this.#sent.current;
    return line?.asks === asks && line.isQuiet === true;
  }

  #askWho() {
    clearTimeout(this.#whoTimer);
    this.#whoTimer = 0;
    this.#ask("who", "/who");
  }

  // If who is here is not what it should be by the numbers, and still is not after a while: the
  // board is ahead of what a room hears of those who come and go.
  #checkPeople() {
    if (!this.#isIn || this.#isPeopleRight()) {
      clearTimeout(this.#whoTimer);
      this.#whoTimer = 0;
      return;
    }
    const pause = this.people.count > CROWD ? SETTLES_IN_A_CROWD : SETTLES;
    this.#whoTimer ||= setTimeout(() => this.#askWho(), pause * (1 + Math.random()));
  }

  #isPeopleRight() {
    const { count } = this.people;
    return this.#isPeopleCertain && (this.#onBoard.get(this.room) ?? count) === count;
  }
}

// Who one is, where, and who else is there: keeps it over losses of the connection, and tells the
// views what has changed. Knows no element of the page.
//
// The page asks the server some things by itself. Answers come in the order of the questions, so a
// queue tells the answers that a person wants to see from those that only the page does.

import { Reader, sanitised } from "./protocol.js";
import { Transcript } from "./transcript.js";

const HISTORY = 200;
// How long after the last sign of a change `/who` is asked, and how long its answer may take.
const SETTLES = 700;
const SETTLES_IN_A_CROWD = 5_000;
const CROWD = 40;
const PATIENCE = 8_000;

// Which errors answer which question.
const REFUSALS = {
  nick: /^(A nickname |.* is taken[;.]|You are muted|Usage: \/nick)/s,
  join: /^(A room name |#\S+ is full|There are \d+ rooms|You are muted|Usage: \/join)/s,
  who: /^There is no room/,
  history: /^Usage: \/history/,
};

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
  #reader = new Reader();
  #transcripts = new Map();
  #asked = [];
  // What has been said in each room, by the last boards of this connection.
  #said = new Map();
  #isIn = false;
  #isFirst = true;
  #isHelpQuiet = false;
  #shown = null;
  #isReplayDue = false;
  #lostAt = 0;
  #heardAt = 0;
  #whoTimer = 0;

  // `views` has a method for everything that can change, see chat.js. `memory` has `name` and `room`,
  // kept over a reload.
  constructor(connection, memory, views) {
    this.#connection = connection;
    this.#memory = memory;
    this.#views = views;
  }

  get isIn() {
    return this.#isIn;
  }

  // --- what the page does ---

  // Sends one line as typed; false if there is no connection, and the line is still the caller's.
  say(typed) {
    if (!this.#isIn || !this.#connection.isOpen) return false;
    this.#connection.send(typed);
    const line = sanitised(typed);
    if (line === "") return true;
    const own = { nick: this.name, own: true };
    if (!line.startsWith("/")) this.#write({ ...own, kind: "message", text: line });
    else if (line.startsWith("//")) this.#write({ ...own, kind: "message", text: line.slice(1) });
    else this.#command(own, line);
    return true;
  }

  #command(own, line) {
    const [, word, rest] = /^\/(\S*)\s*(.*)$/su.exec(line);
    switch (word.toLowerCase()) {
      case "me":
        if (rest) this.#write({ ...own, kind: "action", text: rest });
        break;
      case "msg": {
        const [, to, text] = /^(\S+)\s+(.+)$/su.exec(rest) ?? [];
        if (!to) break;
        this.#write({ ...own, kind: "private", to, text });
        this.#spokenWith(to);
        break;
      }
      case "topic":
        if (!rest) this.#expect("topic");
        break;
      case "nick":
      case "join":
      case "who":
      case "history":
      case "help":
        this.#expect(word.toLowerCase());
    }
  }

  // What was said before one came, once for each room.
  askEarlier() {
    const transcript = this.#transcripts.get(this.#shown);
    if (!this.#isIn || this.room !== this.#shown || !transcript || transcript.isAsked) return;
    transcript.isAsked = true;
    this.#ask("history", `/history ${HISTORY}`, { purpose: "earlier" });
  }

  askCommands() {
    const isAsked = this.commands.length > 0 || this.#asked.some((ask) => ask.kind === "help");
    if (this.#isIn && !isAsked) this.#ask("help", "/help");
  }

  // After a sleep a connection may be dead without knowing.
  probe() {
    if (!this.#isIn || Date.now() - this.#heardAt < PATIENCE) return;
    const asked = Date.now();
    this.#askWho();
    setTimeout(() => this.#isIn && this.#heardAt < asked && this.#connection.drop(), PATIENCE);
  }

  // --- what the connection does ---

  opened() {
    this.#reader = new Reader();
    this.#asked = [];
    this.#said.clear();
  }

  lost() {
    if (!this.#isIn) return;
    this.#isIn = false;
    this.#lostAt = Date.now();
    clearTimeout(this.#whoTimer);
    this.#write({ kind: "divider", text: "Connection lost" });
  }

  received(message) {
    this.#heardAt = Date.now();
    for (const event of this.#reader.receive(message)) {
      const isGreeting = ["welcome", "hint", "entered", "topic", "board"].includes(event.kind);
      this.#handle(event);
      if (!isGreeting) this.#isReplayDue = false;
    }
  }

  #welcome({ nick, room, text }) {
    const before = this.name;
    const { name, room: wanted } = this.#memory;
    this.#isFirst = before === null;
    this.#connection.settled();
    this.#isIn = true;
    this.#isReplayDue = true;
    this.room = room;
    this.#setName(nick);
    if (name && name !== nick) this.#ask("nick", `/nick ${name}`, { wanted: name });
    if (wanted && wanted !== room) {
      this.#ask("join", `/join ${wanted}`, { otherwise: room });
      return;
    }
    this.#enter(room);
    this.#ask("topic", "/topic");
    if (this.#isFirst) this.#write({ kind: "notice", text });
    else if (!name && nick !== before) this.#write({ kind: "notice", text: `You are ${nick} now.` });
  }

  // Told once: whoever has a name has found out.
  #hint({ text }) {
    if (this.#isFirst && !this.#memory.name) this.#write({ kind: "notice", text });
  }

  #enter(room) {
    this.room = room;
    this.#shown = room;
    this.#memory.room = room;
    this.#setTopic(null);
    const transcript = this.#transcript(room);
    const lostAt = this.#lostAt;
    this.#lostAt = 0;
    const isReturn = transcript.isVisited;
    if (isReturn) transcript.markReturn();
    transcript.isVisited = true;
    this.#views.entered(room, transcript);
    if (isReturn) {
      transcript.isAsked = true;
      this.#ask("history", `/history ${HISTORY}`, { purpose: "missed", lostAt });
    }
    this.#isReplayDue = true;
    this.#askWho();
  }

  #entered({ room, text }) {
    const isQuiet = this.#answer("join")?.isQuiet;
    this.#enter(room);
    if (!isQuiet) this.#write({ kind: "notice", text });
  }

  #renamed({ nick, text }) {
    const isQuiet = this.#answer("nick")?.isQuiet;
    this.#memory.name = nick;
    this.#setName(nick);
    if (!isQuiet) this.#write({ kind: "notice", text });
    this.#askWhoSoon();
  }

  #history({ room, lines, text }) {
    const isReplay = this.#isReplayDue && lines.length > 0;
    const ask = isReplay ? null : this.#answer("history");
    const transcript = this.#transcript(room);
    if (ask?.purpose === "missed") this.#missed(room, transcript, lines, ask.lostAt);
    // After a return the replay is part of the answer that is to come.
    else if (ask || !this.#asked.some((other) => other.purpose === "missed")) transcript.merge(lines, this.name);
    this.#views.merged(transcript);
    if (ask && !ask.isQuiet) {
      this.#write({ kind: "notice", text: lines.length > 0 ? text.replace(/:$/, " are above.") : text });
    }
  }

  #missed(room, transcript, lines, lostAt) {
    const { missed, isAll, begin } = transcript.mergeMissed(lines, this.name, lostAt);
    const isLoss = lostAt > 0;
    if (missed > 0) {
      const number = missed === 1 ? "1 message" : `${missed} messages`;
      // A history that has all that was ever said begins after a restart.
      const isExact = isAll || lines.length === this.#said.get(room);
      transcript.insertDivider(begin, `${isExact ? "" : missed >= HISTORY ? "More than " : "At least "}${number} while you were away`);
    } else if (isLoss) {
      transcript.insertDivider(begin, "Connected again, nothing missed");
    }
  }

  #private(event) {
    this.#spokenWith(event.nick);
    this.#write(event);
  }

  #presence({ text, joined, left, renamed, isExact }) {
    this.#write({ kind: "notice", text, isPresence: true });
    const names = new Map(renamed);
    const gone = new Set(left);
    const stay = this.people.nicks.filter((nick) => !gone.has(nick)).map((nick) => names.get(nick) ?? nick);
    const nicks = [...new Set([...stay, ...joined])];
    this.#setPeople(nicks, Math.max(nicks.length, this.people.count + joined.length - left.length));
    if (!isExact) this.#askWhoSoon();
  }

  #members({ room, count, nicks, text }) {
    const ask = this.#answer("who");
    if (room === this.room) this.#setPeople(nicks, count);
    if (!ask?.isQuiet) this.#write({ kind: "notice", text });
  }

  #topic({ room, topic, text }) {
    const ask = this.#answer("topic");
    if (room === this.room) this.#setTopic(topic);
    if (ask && !ask.isQuiet) this.#write({ kind: "notice", text });
  }

  #newTopic({ topic, text }) {
    this.#setTopic(topic);
    this.#write({ kind: "notice", text });
  }

  #help({ text }) {
    this.commands = [];
    this.#isHelpQuiet = this.#answer("help")?.isQuiet ?? false;
    if (!this.#isHelpQuiet) this.#write({ kind: "notice", text });
  }

  #helpLine({ word, usage, purpose, text }) {
    this.commands.push({ word, usage, purpose });
    if (!this.#isHelpQuiet) this.#write({ kind: "notice", text, isTable: true });
    this.#views.commands();
  }

  #board({ rooms }) {
    // A room of hundreds hears of nobody who comes and goes.
    const here = rooms.find((room) => room.name === this.room);
    if (here && here.members !== this.people.count) this.#askWhoSoon();
    for (const { name, said } of rooms) this.#said.set(name, said);
    this.#views.board(rooms);
  }

  #stayed({ text }) {
    this.#answer("join");
    this.#write({ kind: "notice", text });
  }

  #bye({ text }) {
    this.#write({ kind: "divider", text });
    this.#away();
  }

  #error({ text }) {
    const kind = Object.keys(REFUSALS).find((kind) => REFUSALS[kind].test(text) && this.#asked[0]?.kind === kind);
    const ask = kind && this.#asked.shift();
    if (ask?.isQuiet && kind === "nick") {
      this.#write({ kind: "error", text: `${text} You are ${this.name} for now.` });
      this.#views.refused(`The name ${ask.wanted} was not to be had: you are ${this.name} for now.`);
      return;
    }
    if (ask?.isQuiet && kind === "join") this.#enter(ask.otherwise);
    this.#failed(text);
    this.#write({ kind: "error", text });
    this.#views.refused(text);
    if (/^Disconnected: you (were kicked|are banned)/.test(text)) this.#away();
  }

  // Marks what was shown as said and was not.
  #failed(text) {
    const entries = this.#transcripts.get(this.#shown)?.entries ?? [];
    const own = (test) => entries.findLast((entry) => entry.own && entry.at !== null && !entry.failed && test(entry));
    const nobody = /^There is no (\S+) here\.$/.exec(text);
    let entry;
    if (nobody) entry = own((entry) => entry.kind === "private" && entry.to.startsWith(nobody[1]));
    else if (/nobody was told\.$/.test(text)) entry = own(() => true);
    else if (/^That line was not sent/.test(text)) {
      entry = own(() => true);
      if (entry) this.#views.giveBack(entry.text);
    }
    if (!entry) return;
    entry.failed = "not sent";
    this.#views.marked(entry);
  }

  // The server has ended it for good.
  #away() {
    this.#isIn = false;
    this.#lostAt = Date.now();
    clearTimeout(this.#whoTimer);
    this.#connection.stop();
  }

  #transcript(room) {
    if (!this.#transcripts.has(room)) this.#transcripts.set(room, new Transcript());
    return this.#transcripts.get(room);
  }

  #write(entry) {
    // On the way back to one's room nobody reads what is said in the lobby.
    const isForMe = ["divider", "private", "error"].includes(entry.kind);
    const transcript = this.#transcript(isForMe ? this.#shown ?? this.#memory.room ?? this.room : this.room);
    transcript.append({ at: Date.now(), ...entry });
    this.#views.wrote(transcript, entry);
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

  // --- questions and answers ---

  #ask(kind, line, more = {}) {
    this.#asked.push({ kind, isQuiet: true, ...more });
    this.#connection.send(line);
  }

  #expect(kind) {
    this.#asked.push({ kind, isQuiet: false });
  }

  // The question to which this is the answer. Questions before it have been answered, too.
  #answer(kind) {
    const at = this.#asked.findIndex((ask) => ask.kind === kind);
    return at === -1 ? null : this.#asked.splice(0, at + 1).at(-1);
  }

  #askWho() {
    clearTimeout(this.#whoTimer);
    this.#whoTimer = 0;
    this.#ask("who", "/who");
  }

  #askWhoSoon() {
    const pause = this.people.count > CROWD ? SETTLES_IN_A_CROWD : SETTLES;
    this.#whoTimer ||= setTimeout(() => this.#isIn && this.#askWho(), pause * (1 + Math.random()));
  }

  #handle(event) {
    switch (event.kind) {
      case "welcome": return this.#welcome(event);
      case "hint": return this.#hint(event);
      case "entered": return this.#entered(event);
      case "stayed": return this.#stayed(event);
      case "renamed": return this.#renamed(event);
      case "history": return this.#history(event);
      case "message":
      case "action": return this.#write(event);
      case "private": return this.#private(event);
      case "presence": return this.#presence(event);
      case "members": return this.#members(event);
      case "topic": return this.#topic(event);
      case "newTopic": return this.#newTopic(event);
      case "help": return this.#help(event);
      case "command": return this.#helpLine(event);
      case "board": return this.#board(event);
      case "bye": return this.#bye(event);
      case "error": return this.#error(event);
      case "notice": return this.#write(event);
    }
  }
}

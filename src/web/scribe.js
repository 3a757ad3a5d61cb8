// Writes down what is said and told, in the transcript of the room where one reads it.

import { sentence } from "./presence.js";

// Messages of a room that are asked for at a time.
export const HISTORY = 200;

// What stands where something is not.
const LACKING = "Something that was said here is missing";
const between = (partner) => `Something that you and ${partner} said to each other alone`;

export class Scribe {
  // Who one is, and where one comes from, as the server calls it.
  name = null;
  origin;
  // Where one is, and which room one sees: on the way back to that they differ.
  room = null;
  shown = null;
  // The server's clock, as far as this one's is from it: what one types has no time of the server's yet.
  skew = 0;
  // Whether there may be somebody of whom one is told nothing.
  hasIgnored = false;
  #hearing;
  #privateLogs;
  #sent;
  #own;
  #memory;
  #views;

  constructor({ hearing, privateLogs, sent, own, memory, views }) {
    this.#hearing = hearing;
    this.#privateLogs = privateLogs;
    this.#sent = sent;
    this.#own = own;
    this.#memory = memory;
    this.#views = views;
  }

  // What a page that comes after this one has to know of it.
  get who() {
    const { name, origin, hasIgnored } = this;
    return { name, origin, hasIgnored };
  }

  set who(who) {
    Object.assign(this, who);
  }

  // --- what is said ---

  // Something in a room has its place.
  reach(event) {
    const isLacking = this.#hearing.reach(event) && !this.hasIgnored;
    if (isLacking) this.write({ kind: "divider", text: LACKING, at: event.time }, this.#hearing.transcript(event.room));
  }

  // One is told, so a hole is no news.
  skipped(event) {
    this.#hearing.transcripts.forEach((transcript) => (transcript.mayLack = true));
    this.told(event);
  }

  // The same of what is said to one alone.
  missed(event) {
    this.#privateLogs.skipped();
    this.told(event);
  }

  // An answer, or the last few messages that everybody gets who has come into a room.
  history(event) {
    if (event.with !== undefined) return this.#privateHistory(event);
    const { room, messages, complete } = event;
    const line = this.#sent.current;
    const isAnswer = line?.asks === "history";
    const transcript = this.#hearing.transcript(room);
    const entries = messages.map((message) => this.#heard(message));
    // After a return they are part of the answer that is to come.
    if (!isAnswer && this.#sent.has(({ returnsTo }) => returnsTo === room)) return;
    if (isAnswer && line.returnsTo) this.#missed(transcript, entries, complete, line.isLoss);
    else transcript.merge(entries);
    this.#views.merged(transcript);
    if (!isAnswer || line.isQuiet) return;
    this.notice(entries.length > 0 ? `The last ${entries.length} messages of #${room} are above.` : `Nothing has been said in #${room} yet.`);
  }

  #missed(transcript, entries, isWhole, isLoss) {
    const { missed, isExact, begin, changed } = transcript.mergeMissed(entries, { isWhole, isSelective: this.hasIgnored });
    if (missed > 0) {
      const number = missed === 1 ? "1 message" : `${missed} messages`;
      transcript.insertDivider(begin, `${isExact ? "" : missed >= HISTORY ? "More than " : "At least "}${number} while you were away`);
    } else if (isLoss) {
      transcript.insertDivider(begin, "Connected again, nothing missed");
    }
    changed.forEach((entry) => this.#views.changed(entry));
  }

  message(event) {
    const transcript = this.#hearing.transcript(event.room);
    const entry = this.#heard(event);
    const line = this.#sent.heard(event.client_id);
    if (!this.#own.settle(line, entry, transcript) && transcript.append(entry)) this.#views.wrote(transcript, entry);
    if (event.room === this.room) this.#views.heard();
  }

  // What was said again had been heard.
  committed({ room, id, number, previous, time, client_id, to, epoch }) {
    const line = this.#sent.heard(client_id);
    if (room !== undefined) return this.#own.settle(line, { id, number, at: time }, this.#hearing.transcript(room));
    this.#privateLogs.hear({ epoch, id, number, previous });
    this.#own.settle(line, { privateId: id, to, at: time }, line?.transcript);
  }

  // Gives who the other is.
  private(event) {
    const { isNew, isLacking } = this.#privateLogs.hear(event);
    const entry = this.#heard(event);
    const partner = entry.own ? entry.to : entry.nick;
    if (isLacking && !this.hasIgnored) this.write({ kind: "divider", text: `${between(partner)} is missing`, at: event.time });
    this.#said(event, entry, isNew);
    return partner;
  }

  // What was said to one alone while one was away, and by oneself to one.
  privateBacklog({ with: partner, complete, epoch, last, events }) {
    for (const event of events) this.#said(event, this.#heard(event, partner), this.#privateLogs.repeat(event));
    const isFurther = this.#privateLogs.goOn({ epoch, last });
    if (!complete && isFurther) this.write({ kind: "divider", text: `${between(partner)} may be missing: see /history @${partner}` });
  }

  #said(event, entry, isNew) {
    const line = this.#sent.heard(event.client_id);
    const isOwn = this.#own.settle(line, entry, line?.transcript);
    if (!isOwn && isNew) this.write(entry);
  }

  // It stands where one has asked for it, between what stands there already.
  #privateHistory({ with: partner, messages }) {
    const transcript = this.place("private");
    messages.forEach((message) => this.#privateLogs.repeat(message));
    transcript.mergePrivate(messages.map((message) => this.#heard(message, partner)));
    this.#views.merged(transcript);
    this.notice(messages.length > 0
      ? `The last ${messages.length} messages between you and ${partner} are above.`
      : `You and ${partner} have said nothing to each other alone yet.`);
  }

  redaction({ room, message }) {
    const entry = this.#hearing.transcript(room).redact(message);
    if (entry) this.#views.changed(entry);
  }

  deleted({ room, message, text }) {
    this.redaction({ room, message });
    this.notice(text);
  }

  ignoring({ text }) {
    this.hasIgnored = true;
    this.notice(text);
  }

  presence(event) {
    this.write({ kind: "notice", text: sentence(event), isPresence: true }, this.#hearing.transcript(event.room));
  }

  announcement({ nick, text }) {
    this.notice(nick === null ? text : `Announcement by ${nick}: ${text}`);
  }

  help({ commands, orders }) {
    const widest = Math.max(...[...commands, ...orders].map(({ usage }) => usage.length));
    const table = (entries) => {
      for (const { usage, purpose } of entries) this.write({ kind: "notice", text: `  ${usage.padEnd(widest)}  ${purpose}`, isTable: true });
    };
    this.notice("What does not start with / is said to the room. Commands:");
    table(commands);
    if (orders.length > 0) this.notice("For operators only:");
    table(orders);
  }

  // --- entries ---

  // What somebody has said, as an entry; with a `partner`, to that one or by it. Then either may have
  // had another name.
  #heard({ kind, id, number, previous, time, nick, origin, to, text, client_id }, partner) {
    const isMine = (nick === this.name && origin === this.origin) || (partner !== undefined && to === partner);
    const own = Boolean(client_id) || (isMine && nick !== partner);
    const place = kind === "private" ? { to, privateId: id } : { id, number, previous };
    return { kind, ...place, nick, origin, own, text, at: time };
  }

  // What one has typed, as an entry.
  typed(own) {
    return { ...own, nick: this.name, origin: this.origin, own: true, at: this.#now() };
  }

  told({ text }) {
    text.split("\n").forEach((line) => this.notice(line));
  }

  notice(text) {
    this.write({ kind: "notice", text });
  }

  write(entry, transcript = this.place(entry.kind)) {
    transcript.append({ at: this.#now(), ...entry });
    this.#views.wrote(transcript, entry);
  }

  // On the way back to one's room nobody reads what is said in the lobby.
  place(kind) {
    const isForMe = ["divider", "private", "error"].includes(kind);
    return this.#hearing.transcript(isForMe ? this.shown ?? this.#memory.room ?? this.room : this.room);
  }

  #now() {
    return Date.now() + this.skew;
  }
}

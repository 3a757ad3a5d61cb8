// What was said in one room, as far as this page knows, in the room's order, and how the server's
// history fits into it. What has an id is the same wherever it comes from. Numbers have gaps: what
// is lacking shows in that each names the one before it, by which the room is heard without a hole.
//
// One's own lines are there as soon as they are typed, and have no place yet: they wait at the end
// until the server sends them back, and whatever comes before that goes before them.

const KEPT = 10_000;

// Whether what was typed and what was heard are the same, by all that is known of what was typed.
const isSame = (typed, heard) => ["kind", "nick", "origin", "text"].every((field) => typed[field] === heard[field]);

// What was said to one alone has no place in the room's order, and yet is here once.
const idOf = ({ id, privateId }) => id ?? privateId;

export class Transcript {
  // Each has `kind` (message, action, private, notice, error, divider), `text`, and `at`, in
  // milliseconds, or null; `nick` and `own` if somebody said it, and then `id` and `number` if it
  // has a place in the room's order, `privateId` if one alone has heard it. `isWaiting` if it has no
  // place yet, and is one's own; `failed` says in words why it was not heard.
  entries = [];
  // How many have been dropped from the front, ever.
  dropped = 0;
  // How many at the end wait for their place.
  waiting = 0;
  // Whether the server has been asked for what lies before.
  isAsked = false;
  // Whether one has been here before.
  isVisited = false;
  // Up to where one has heard all of the room: the `epoch` of its log, and the `last` number; and
  // the `latest`, if that is behind a gap. Null if it is not known.
  position = null;
  // Whether what comes next may come after something that one was not told, and knows of.
  mayLack = false;
  #byId = new Map();
  // What stands from here on was heard since one came (back), and up to where one had heard then.
  #mark = 0;
  #heard = null;

  // Whether it was added: what has an id is here once.
  append(entry) {
    if (this.#byId.has(idOf(entry))) return false;
    this.#settled(entry);
    this.#put(this.#end, [entry]);
    this.#forgetOldest();
    return true;
  }

  // Something with a number is heard now. Whether something is lacking before it.
  reach({ number, previous }) {
    if (!this.position) return false;
    const { last, latest = last } = this.position;
    const isLacking = previous > latest && !this.mayLack;
    this.mayLack = false;
    this.position.latest = Math.max(latest, number);
    // Behind a gap it stays where it is: what is lacking comes after the next cut.
    if (previous <= last) this.position.last = this.position.latest;
    return isLacking;
  }

  // One's own, as typed.
  wait(entry) {
    entry.isWaiting = true;
    this.entries.push(entry);
    this.waiting += 1;
    this.#forgetOldest();
  }

  // The server has sent back what waits: `heard` is what it has made of it.
  settle(entry, heard) {
    if (this.#byId.has(idOf(heard))) return this.withdraw(entry);
    this.#leaveQueue(entry);
    this.#settled(Object.assign(entry, heard));
    this.#put(this.#placeOf(entry), [entry]);
  }

  // What waits was not heard: `why` says so.
  fail(entry, why) {
    this.#leaveQueue(entry);
    entry.failed = why;
    this.#put(this.#end, [entry]);
  }

  // Nobody knows yet whether what waits was heard.
  doubt(entry) {
    this.fail(entry, "may not have arrived");
    entry.isDoubtful = true;
  }

  // What waits was never said.
  withdraw(entry) {
    this.#leaveQueue(entry);
  }

  // Somebody has taken back what has this id. Gives the entry, if there is one.
  redact(id) {
    const entry = this.#byId.get(id);
    if (!entry) return null;
    entry.text = "";
    entry.isRedacted = true;
    return entry;
  }

  // What comes from now on is after a time of absence, in which the room went on to a position.
  markReturn(position) {
    this.#mark = this.#end;
    this.#heard = this.position;
    this.position = position;
  }

  // Puts in what is not here yet of the last messages of the room, oldest first.
  merge(messages) {
    const after = this.entries.findLastIndex((entry) => entry.id !== undefined) + 1;
    this.#insert(messages, this.#places(), after);
  }

  // Puts in what is not here yet of the last that was said to one alone, oldest first.
  mergePrivate(messages) {
    this.#insert(messages, this.#places(({ privateId }) => privateId), this.#end);
  }

  // The same after a time of absence. Gives how many messages of others one has missed, the index at
  // which they begin, whether those are all, and which entries are not what they were. They are all
  // if the history reaches back to what was known, or holds all that was ever said here (`isWhole`).
  // One that is selective leaves out people of whom one does not want to hear.
  mergeMissed(messages, { isWhole, isSelective }) {
    const before = this.#places();
    const last = messages.findLastIndex(({ id }) => before.get(id) < this.#mark);
    const since = messages.findIndex(({ id }) => before.get(id) >= this.#mark);
    const end = since === -1 ? messages.length : since;
    const isExact = last !== -1 || isWhole || this.#isNext(messages[0]);
    const { missed, arrived } = this.#arrived(messages.slice(last + 1, end));

    const known = this.#places();
    const changed = isSelective ? arrived : [...arrived, ...this.#forgetAbsent(messages, known)];
    this.#insert(messages.slice(end), known, this.#end);
    missed.forEach((entry) => this.#settled(entry));
    this.#put(this.#mark, missed);
    const length = this.entries.length;
    this.#insert(messages.slice(0, last + 1), known, this.#mark);
    const begin = this.#mark + this.entries.length - length;
    return { missed: missed.filter((entry) => !entry.own).length, isExact, begin, changed };
  }

  insertDivider(at, text) {
    this.#put(at, [{ kind: "divider", text, at: this.entries[at - 1]?.at ?? null }]);
  }

  // Where what waits begins.
  get #end() {
    return this.entries.length - this.waiting;
  }

  // What is said again after a cut may have been heard before it: then later ones are here already.
  #placeOf({ number, epoch }) {
    const isBefore = (entry) => entry.number === undefined || (entry.epoch === epoch && entry.number > number);
    let [at, place] = [this.#end, this.#end];
    while (at > 0 && isBefore(this.entries[at - 1])) {
      at -= 1;
      if (this.entries[at].number !== undefined) place = at;
    }
    return place;
  }

  #settled(entry) {
    const id = idOf(entry);
    if (id === undefined) return;
    this.#byId.set(id, entry);
    if (entry.id !== undefined) entry.epoch = this.position?.epoch;
  }

  #put(at, entries) {
    this.entries.splice(at, 0, ...entries);
  }

  #leaveQueue(entry) {
    this.entries.splice(this.entries.indexOf(entry, this.#end), 1);
    this.waiting -= 1;
    entry.isWaiting = false;
  }

  #forgetOldest() {
    if (this.entries.length < KEPT * 1.1) return;
    const surplus = this.entries.splice(0, this.entries.length - KEPT);
    for (const entry of surplus) this.#byId.delete(idOf(entry));
    this.dropped += surplus.length;
    this.#mark = Math.max(0, this.#mark - surplus.length);
  }

  // By id, the index of each entry that has one.
  #places(idOf = ({ id }) => id) {
    const places = new Map();
    this.entries.forEach((entry, at) => idOf(entry) !== undefined && places.set(idOf(entry), at));
    return places;
  }

  // Puts in what is not known: each before the one that follows it in the room, the last at `end`.
  #insert(messages, known, end) {
    let before = end;
    const lacking = [];
    for (const message of [...messages].reverse()) {
      if (known.has(idOf(message))) before = known.get(idOf(message));
      else lacking.push([before, message]);
    }
    // From the end, so that what is put in moves nothing that is still to be looked at.
    for (const [at, message] of lacking) {
      this.#settled(message);
      this.#put(at, [message]);
    }
  }

  // The history ends with what was said last. So what was known before one went away, comes after
  // something that the history has, and is not in it, was taken back meanwhile.
  #forgetAbsent(messages, known) {
    const kept = new Set(messages.map(({ id }) => id));
    const first = messages.find(({ id }) => known.has(id));
    if (!first) return [];
    const isGone = ({ id, isRedacted }) => id !== undefined && !kept.has(id) && !isRedacted;
    return this.entries.slice(known.get(first.id), this.#mark).filter(isGone).map(({ id }) => this.redact(id));
  }

  // One's own that were on their way when the connection was lost, and were heard after all, are
  // not missed: what was heard before anything else stays where it is, the rest moves to its place.
  #arrived(messages) {
    const doubtful = this.entries.slice(0, this.#mark).filter((entry) => entry.isDoubtful);
    doubtful.forEach((entry) => (entry.isDoubtful = false));
    const missed = [];
    const arrived = [];
    for (const message of messages) {
      const at = doubtful.findIndex((entry) => isSame(entry, message));
      if (at === -1) {
        missed.push(message);
        continue;
      }
      // They were sent in this order: those before it will not come any more.
      const [entry] = doubtful.splice(0, at + 1).slice(-1);
      this.#settled(Object.assign(entry, message, { own: true, failed: undefined }));
      arrived.push(entry);
      if (missed.length === 0) continue;
      this.entries.splice(this.entries.indexOf(entry), 1);
      this.#mark -= 1;
      missed.push(entry);
    }
    return { missed, arrived };
  }

  // Whether a message follows what was heard before one went away, with nothing between them.
  #isNext(message) {
    const [before, now] = [this.#heard, this.position];
    if (message === undefined || before === null || before.epoch !== now?.epoch) return false;
    return message.previous <= (before.latest ?? before.last);
  }
}

// What two say to each other alone has a log of its own, that one knows by its epoch: up to where
// one has heard each, which the server is told after a cut, and what is behind gaps in it.

// Of so many the server is told, those that were heard last; and so many are known at all.
const ASKED = 100;
const KNOWN = 1000;
// Ids behind gaps of one log: more than the server remembers of it.
const KEPT = 1000;

export class PrivateLogs {
  // By epoch, that which was heard last at the end: the `last` number up to which one has all, the
  // `latest`, and the `ids` of what is behind a gap, each with its number.
  #logs = new Map();
  // How often one was told that something is lacking, and each log by then.
  #skips = 0;

  // Something is said now. Whether it `isNew`, and whether something `isLacking` before it.
  hear(event) {
    const isNew = this.repeat(event);
    const log = this.#touch(event.epoch);
    const isLacking = event.previous > log.latest && log.skips === this.#skips;
    log.skips = this.#skips;
    log.latest = Math.max(log.latest, event.number);
    // Behind a gap it stays where it is: what is lacking comes after the next cut.
    if (event.number > log.last && event.previous <= log.last) this.#reach(log, event.number);
    return { isNew, isLacking };
  }

  // Something was said before. Whether it is new.
  repeat({ epoch, id, number }) {
    const log = this.#touch(epoch);
    if (number <= log.last || log.ids.has(id)) return false;
    log.ids.set(id, number);
    if (log.ids.size > KEPT) log.ids.delete(log.ids.keys().next().value);
    return true;
  }

  // One has all up to there, or nobody has what is lacking. Whether that goes further than before.
  goOn({ epoch, last }) {
    const log = this.#logs.get(epoch) ?? this.#touch(epoch);
    log.skips = this.#skips;
    if (last <= log.last) return false;
    log.latest = Math.max(log.latest, last);
    this.#reach(log, last);
    return true;
  }

  // One was told that something was left out, so a hole is no news.
  skipped() {
    this.#skips += 1;
  }

  get positions() {
    return [...this.#logs].slice(-ASKED).map(([epoch, { last }]) => ({ epoch, last }));
  }

  // Takes up what `positions` was in the page before this.
  takeUp(positions) {
    positions.forEach((position) => this.goOn(position));
  }

  // One is somebody else now.
  clear() {
    this.#logs.clear();
  }

  // The log of an epoch is the one that was heard last.
  #touch(epoch) {
    const log = this.#logs.get(epoch) ?? { last: 0, latest: 0, ids: new Map(), skips: 0 };
    this.#logs.delete(epoch);
    this.#logs.set(epoch, log);
    if (this.#logs.size > KNOWN) this.#logs.delete(this.#logs.keys().next().value);
    return log;
  }

  #reach(log, last) {
    log.last = last;
    for (const [id, number] of log.ids) if (number <= last) log.ids.delete(id);
  }
}

// What was said in one room, as far as this page knows, and how a piece of the server's history
// fits into it.
//
// The history has neither numbers nor times: it is the last N lines. Two things blur the comparison:
// one's own lines stand here where they were typed, which may be a line or two off, and some of them
// may never have arrived. So the two are aligned by their longest common subsequence.

import { said } from "./protocol.js";

const KEPT = 10_000;
const COMPARED = 400;
// How long before a loss a line of one's own may have been on its way.
const ON_ITS_WAY = 60_000;

const wasSaid = (entry) => entry.kind === "message" || entry.kind === "action";

const line = (entry) => (entry.kind === "action" ? `** ${entry.nick} ${entry.text}` : `${entry.nick}: ${entry.text}`);

export class Transcript {
  // Each has `kind` (message, action, private, notice, error, divider) and `text`; `at`, in
  // milliseconds, or null if it was said before one came; `nick` and `own` if somebody said it.
  entries = [];
  // How many have been dropped from the front, ever.
  dropped = 0;
  // Whether the server has been asked for what lies before.
  isAsked = false;
  // Whether one has been here before.
  isVisited = false;
  // What stands from here on was heard since one came (back).
  #mark = 0;

  append(entry) {
    this.entries.push(entry);
    if (this.entries.length < KEPT * 1.1) return;
    const surplus = this.entries.length - KEPT;
    this.entries.splice(0, surplus);
    this.dropped += surplus;
    this.#mark = Math.max(0, this.#mark - surplus);
  }

  // What comes from now on is after a time of absence.
  markReturn() {
    this.#mark = this.entries.length;
  }

  // Puts in what is not here yet of the last lines that were said.
  merge(lines, me) {
    const known = this.#said(0, this.entries.length);
    const place = alignment(lines, known.map((at) => line(this.entries[at])));
    this.#insert(this.#lacking(lines, place, known, me));
  }

  // The same after a time of absence that began at `lostAt`. Gives how many lines one has missed,
  // whether those are all, and the index at which they begin.
  mergeMissed(lines, me, lostAt) {
    const fresh = this.#said(this.#mark, this.entries.length).map((at) => line(this.entries[at]));
    let end = lines.length;
    while (end > 0 && take(fresh, lines[end - 1])) end -= 1;
    const older = lines.slice(0, end);

    const known = this.#said(0, this.#mark);
    let place = alignment(older, known.map((at) => line(this.entries[at])));
    if (isChance(place)) place = place.map(() => null);
    const last = place.findLastIndex((at) => at !== null) + 1;
    const lacking = this.#lacking(older, place, known, me);
    const missed = [...lacking.keys()].filter((index) => index >= last);
    if (last > 0) this.#doubt(known, place, lostAt);

    const begin = this.#mark + lacking.size - missed.length;
    for (const index of missed) lacking.get(index).before = this.#mark;
    this.#insert(lacking);
    this.#mark = this.entries.length;
    return { missed: missed.length, isAll: last > 0 || known.length === 0, begin };
  }

  insertDivider(at, text) {
    this.entries.splice(at, 0, { kind: "divider", text, at: null });
  }

  // Where something was said, of the last entries of a range.
  #said(from, to) {
    const found = [];
    for (let at = to - 1; at >= from && found.length < COMPARED; at -= 1) {
      if (wasSaid(this.entries[at])) found.push(at);
    }
    return found.reverse();
  }

  // By its index in `lines`, each line that has no place and is not merely out of order here, and
  // the entry it belongs before.
  #lacking(lines, place, known, me) {
    const isPlaced = place.some((at) => at !== null);
    const first = place.find((at) => at !== null) ?? 0;
    const taken = new Set(place);
    const isLeft = (_, at) => at >= first - 3 && !taken.has(at);
    const left = isPlaced ? known.filter(isLeft).map((at) => line(this.entries[at])) : [];
    const lacking = new Map();
    let before = isPlaced ? known.at(-1) + 1 : known[0] ?? 0;
    for (let index = lines.length - 1; index >= 0; index -= 1) {
      if (place[index] !== null) before = known[place[index]];
      else if (!take(left, lines[index])) lacking.set(index, { before, entry: remembered(lines[index], me) });
    }
    return lacking;
  }

  #insert(lacking) {
    const order = [...lacking.keys()].sort((a, b) => a - b).map((index) => lacking.get(index));
    const merged = [];
    let next = 0;
    for (let at = 0; at <= this.entries.length; at += 1) {
      while (next < order.length && order[next].before <= at) merged.push(order[next++].entry);
      if (at < this.entries.length) merged.push(this.entries[at]);
    }
    this.entries = merged;
  }

  // Lines of one's own, typed shortly before the loss, that the server does not know of.
  #doubt(known, place, lostAt) {
    const heard = new Set(place);
    const first = place.find((at) => at !== null);
    known.forEach((at, index) => {
      const entry = this.entries[at];
      const isRecent = entry.own && entry.at > lostAt - ON_ITS_WAY;
      if (index > first && isRecent && !heard.has(index)) entry.failed = "may not have arrived";
    });
  }
}

function remembered(text, me) {
  const entry = said(text) ?? { kind: "notice", text };
  return { ...entry, at: null, own: entry.nick === me };
}

// Takes one such text out, if there is one.
function take(texts, text) {
  const at = texts.indexOf(text);
  if (at !== -1) texts.splice(at, 1);
  return at !== -1;
}

// For each line its index among the known ones, or null: their longest common subsequence.
function alignment(lines, known) {
  const width = known.length + 1;
  const longest = new Uint16Array((lines.length + 1) * width);
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    for (let k = known.length - 1; k >= 0; k -= 1) {
      longest[i * width + k] = lines[i] === known[k]
        ? longest[(i + 1) * width + k + 1] + 1
        : Math.max(longest[(i + 1) * width + k], longest[i * width + k + 1]);
    }
  }
  const place = new Array(lines.length).fill(null);
  for (let i = 0, k = 0; i < lines.length && k < known.length; ) {
    if (lines[i] === known[k]) place[i++] = k++;
    else if (longest[(i + 1) * width + k] >= longest[i * width + k + 1]) i += 1;
    else k += 1;
  }
  return place;
}

// Few matches far apart are people who say "ok" every day, not one conversation.
function isChance(place) {
  const isMatch = (at) => at !== null;
  const span = place.findLastIndex(isMatch) - place.findIndex(isMatch) + 1;
  return place.filter(isMatch).length < span / 2;
}

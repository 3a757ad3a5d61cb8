// Who is in one's room. A room hears of those who come and go, but not of all, and not at once: if
// what is known is not what it should be by the numbers, and still is not after a while, the page
// asks.

import { after } from "./presence.js";

// How long who is here may be in doubt before that.
const SETTLES = 2_000;
const SETTLES_IN_A_CROWD = 5_000;
const CROWD = 40;

export class Crowd {
  nicks = [];
  count = 0;
  #ask;
  #changed;
  // Whether one can ask.
  #isIn = false;
  #room = null;
  // How many are in each room by the board.
  #onBoard = new Map();
  // Whether all who have come and gone were named.
  #isCertain = true;
  #timer = 0;

  // `ask` asks the server who is here, `changed` takes nicknames and how many there are.
  constructor(ask, changed) {
    this.#ask = ask;
    this.#changed = changed;
  }

  // One is in a room.
  entered(room) {
    this.#room = room;
    this.#isIn = true;
    this.#askNow();
  }

  // One is not, as far as one knows.
  left() {
    this.#isIn = false;
    this.#check();
  }

  // The server has answered.
  members({ nicks, count }) {
    this.#isCertain = true;
    this.#set(nicks, count);
    this.#check();
  }

  // Some have come or gone.
  presence(event) {
    const { nicks, count } = after(this, event);
    this.#set(nicks, count);
    this.#isCertain &&= ["joined", "left", "renamed"].every((list) => event[list].length === event[`${list}_count`]);
    this.#check();
  }

  renamed(before, nick) {
    this.#set(this.nicks.map((other) => (other === before ? nick : other)), this.count);
  }

  // A room of hundreds hears of nobody who comes and goes, but the board has their number.
  board(rooms) {
    this.#onBoard = new Map(rooms.map(({ name, members }) => [name, members]));
    this.#check();
  }

  #set(nicks, count) {
    this.nicks = nicks;
    this.count = count;
    this.#changed(nicks, count);
  }

  #askNow() {
    this.#rest();
    this.#ask();
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  // The board is ahead of what a room hears.
  #check() {
    const isRight = this.#isCertain && (this.#onBoard.get(this.#room) ?? this.count) === this.count;
    if (!this.#isIn || isRight) return this.#rest();
    const pause = this.count > CROWD ? SETTLES_IN_A_CROWD : SETTLES;
    this.#timer ||= setTimeout(() => this.#askNow(), pause * (1 + Math.random()));
  }
}

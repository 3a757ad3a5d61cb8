// The rooms that one hears, and up to where: by that the server tells after a cut what was missed.

import { Transcript } from "./transcript.js";

// Where everybody is who is nowhere else.
const LOBBY = "lobby";
// What no log of a room has as its epoch: of such a one the server tells only up to where it is now.
const UNKNOWN = { epoch: "0".repeat(16), last: 0 };
// Rooms of which one may ask at a time.
const ROOMS_ASKED = 100;

export class Hearing {
  // Of every room that was ever heard.
  #transcripts = new Map();
  #rooms = new Set();
  // Where one may have gone when the connection was lost.
  #headed = [];

  transcript(room) {
    if (!this.#transcripts.has(room)) this.#transcripts.set(room, new Transcript());
    return this.#transcripts.get(room);
  }

  // Those of the rooms that one hears.
  get transcripts() {
    return [...this.#rooms].map((room) => this.transcript(room));
  }

  // One hears these, and no others.
  only(rooms) {
    this.#rooms = new Set(rooms);
    this.#headed = [];
  }

  add(room) {
    this.#rooms.add(room);
  }

  remove(room) {
    this.#rooms.delete(room);
  }

  // One was on the way there.
  mayBeIn(room) {
    this.#headed.push(room);
  }

  // Something in a room has its place. Whether something is lacking before it.
  reach(event) {
    return this.#rooms.has(event.room) && this.transcript(event.room).reach(event);
  }

  // Up to where one has heard each room in which one may be.
  get positions() {
    const names = new Map([...this.#headed, LOBBY, ...this.#rooms].map((room) => [room.toLowerCase(), room]));
    const rooms = [...names.values()].slice(-ROOMS_ASKED);
    return rooms.map((room) => {
      const { epoch, last } = this.#transcripts.get(room)?.position ?? UNKNOWN;
      return { room, epoch, last };
    });
  }

  // Takes up what `positions` was in the page before this.
  takeUp(positions) {
    for (const { room, epoch, last } of positions) {
      this.#rooms.add(room);
      this.transcript(room).position = { epoch, last };
    }
  }
}

// Lines on their way to the server. It says of each, by its `ref`, when all is said that it brings,
// so what it answers belongs to the first of those that are not done.
//
// A message has an id of this page's own besides, and is kept until it is done, whatever becomes of
// the connection: after a cut it is sent again, and the server hears it once. No more of them are on
// the way than the server remembers, so some wait, and with them what was typed behind them.

export class Sent {
  #pass;
  // Not sent, or not by this connection.
  #queue = [];
  #lines = [];
  #last = 0;
  #limit = 0;
  #isOpen = false;

  // `pass` takes a line to the server.
  constructor(pass) {
    this.#pass = pass;
  }

  // So many messages the server remembers.
  set limit(most) {
    this.#limit = most;
  }

  // What somebody has typed. `about` is whatever is to be known of the line when it is answered; with
  // a `clientId` it is a message, typed in a `room` and `meant` for one, or for one person wherever
  // one is. `leads` is the room that a command goes to; that, and what is meant, is null if nobody
  // knows yet. Gives the line.
  add(text, about) {
    const line = { ...about, text, isSent: false };
    this.#queue.push(line);
    this.flush();
    return line;
  }

  // What the page asks: it waits behind nothing. Gives the line, with its `ref`.
  ask(text, about) {
    const line = { ...about, text };
    this.#send(line);
    return line;
  }

  // The one that is being answered, if there is one.
  get current() {
    return this.#lines[0] ?? null;
  }

  has(isMeant) {
    return this.#lines.some(isMeant) || this.#queue.some(isMeant);
  }

  // The room that one is on the way to: `otherwise` if there is none.
  destination(otherwise) {
    const all = [...this.#lines, ...this.#queue];
    const line = all.findLast(({ leads }) => leads !== undefined);
    return line ? line.leads : otherwise;
  }

  // The message with this id. One that was to be sent again is not, now that it has come back.
  heard(clientId) {
    if (!clientId) return null;
    const isIt = (line) => line.clientId === clientId;
    const at = this.#queue.findIndex(isIt);
    return at === -1 ? this.#lines.find(isIt) ?? null : this.#queue.splice(at, 1)[0];
  }

  // Gives those that will not be answered any more.
  done(ref) {
    return this.#lines.splice(0, this.#lines.findIndex((line) => line.ref === ref) + 1);
  }

  // Sends what waits, as far as it may be.
  flush() {
    while (this.#isOpen && this.#queue.length > 0 && this.#mayGo(this.#queue[0])) this.#send(this.#queue.shift());
  }

  // The session has begun, or goes on in a room. Whatever waits is sent now; a message only to the
  // room that it was meant for. Gives those that are left out: the way there was lost.
  open(room) {
    let here = room.toLowerCase();
    const astray = [];
    this.#queue = this.#queue.filter((line) => {
      if (line.leads !== undefined) here = line.leads;
      const goes = line.meant === undefined || line.meant === here;
      if (!goes) astray.push(line);
      return goes;
    });
    this.#isOpen = true;
    this.flush();
    return astray;
  }

  // The connection is gone. Gives what nobody will answer and nobody may say twice: commands.
  cut() {
    this.#isOpen = false;
    const lines = this.#lines.splice(0);
    this.#queue.unshift(...lines.filter(({ clientId, entry }) => clientId && entry));
    return lines.filter(({ clientId }) => !clientId);
  }

  // The session will not go on: gives all that still waits.
  clear() {
    return this.#queue.splice(0);
  }

  // Messages that have not come back, as they may be kept and put back later.
  get messages() {
    const messages = [...this.#lines, ...this.#queue].filter(({ clientId, entry }) => clientId && entry);
    return messages.map(({ text, clientId, meant, room, isSent }) => ({ text, clientId, meant, room, isSent }));
  }

  // Gives the line.
  putBack(message) {
    const line = { ...message };
    this.#queue.push(line);
    return line;
  }

  #mayGo({ clientId }) {
    return clientId === undefined || this.#lines.filter((line) => line.clientId).length < this.#limit;
  }

  #send(line) {
    this.#last += 1;
    Object.assign(line, { ref: this.#last, isSent: true });
    this.#lines.push(line);
    this.#pass(line);
  }
}

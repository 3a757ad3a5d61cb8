// A WebSocket of JSON, object by object, that comes back: after a pause that grows up to ten seconds
// and is never quite the same, so that a server that restarts does not meet all its members in one
// moment. What the objects are is in docs/protocol.md.

const PROTOCOL = "loopchat.v1.json";
const LONGEST_PAUSE = 10_000;
const PATIENCE = 10_000;
// How long nothing may have come before a probe is worth it, and how long its answer may take.
const SILENCE = 8_000;

export class Connection {
  #url;
  #on;
  #socket = null;
  #attempts = 0;
  #timer = 0;
  #probe = 0;
  #heardAt = 0;

  // `on` has `opened()`, `received(object)`, `lost()`, and `status(state, until)` with `connecting`, `open`,
  // `waiting` and `stopped`; `until` is when the next attempt begins.
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get isWaiting() {
    return this.#socket === null && this.#timer !== 0;
  }

  connect() {
    this.#quiet();
    this.#on.status("connecting");
    const socket = new WebSocket(this.#url, PROTOCOL);
    this.#socket = socket;
    // What a socket that was given up still has to say is nobody's business.
    const mine = (act) => (event) => this.#socket === socket && act(event);
    this.#timer = setTimeout(mine(() => this.#drop()), PATIENCE);
    socket.addEventListener("open", mine(() => {
      clearTimeout(this.#timer);
      this.#heard();
      this.#on.status("open");
      this.#on.opened();
    }));
    socket.addEventListener("message", mine((event) => {
      this.#heard();
      for (const line of event.data.split("\n")) if (line !== "") this.#on.received(JSON.parse(line));
    }));
    socket.addEventListener("close", mine(() => this.#lost()));
  }

  // The server has let us in: the next loss begins with a short pause again.
  settled() {
    this.#attempts = 0;
  }

  // Half a character, which a keyboard or a cut may leave, is no JSON: it goes as what cannot be read.
  send(object) {
    const whole = (_, value) => (typeof value === "string" ? value.toWellFormed() : value);
    this.#socket.send(JSON.stringify(object, whole));
  }

  // After a sleep a connection may be dead without knowing.
  probe() {
    if (!this.isOpen || this.#probe !== 0 || Date.now() - this.#heardAt < SILENCE) return;
    this.send({ kind: "ping", ref: Date.now() });
    this.#probe = setTimeout(() => this.#drop(), SILENCE);
  }

  // Stays away until `connect` is called.
  stop() {
    this.#quiet();
    this.#on.status("stopped");
  }

  // Anything at all is an answer to a probe.
  #heard() {
    this.#heardAt = Date.now();
    clearTimeout(this.#probe);
    this.#probe = 0;
  }

  // Takes the connection for lost, whatever the network thinks.
  #drop() {
    this.#socket.close();
    this.#lost();
  }

  #quiet() {
    for (const timer of [this.#timer, this.#probe]) clearTimeout(timer);
    this.#timer = this.#probe = 0;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #lost() {
    this.#quiet();
    this.#on.lost();
    const pause = Math.min(LONGEST_PAUSE, 500 * 2 ** this.#attempts) * (0.5 + Math.random() / 2);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.connect(), pause);
    this.#on.status("waiting", Date.now() + pause);
  }
}

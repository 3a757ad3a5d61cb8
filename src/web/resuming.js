// By what a session goes on after a cut. Until the server has said whether it does, a connection is
// a newcomer's: what it hears as one is kept aside, and counts only if it stays one.

// What nobody needs to hear whose session goes on.
const NEWCOMERS = ["token", "welcome", "history", "presence", "message", "action", "topic", "redaction"];

export class Resuming {
  // Secret; null if no session can go on.
  #token = null;
  // What came for the newcomer; null if it is clear who one is.
  #aside = null;

  get isPossible() {
    return this.#token !== null;
  }

  get token() {
    return this.#token;
  }

  granted(token) {
    this.#token = token;
  }

  // A new connection asks to go on with the session.
  begin() {
    this.#aside = [];
  }

  // Whether an object is not to be looked at now.
  keepsAside(event) {
    if (this.#aside === null || !NEWCOMERS.includes(event?.kind)) return false;
    this.#aside.push(event);
    return true;
  }

  // The session goes on; or the connection is gone before that was clear.
  settled() {
    this.#aside = null;
  }

  // It does not: gives what the newcomer was told meanwhile.
  refused() {
    this.#token = null;
    const aside = this.#aside ?? [];
    this.#aside = null;
    return aside;
  }

  // Nobody wants to, or may, go on with it.
  forget() {
    this.#token = null;
  }
}

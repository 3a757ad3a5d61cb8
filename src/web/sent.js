// Lines on their way to the server. It says of each, by its `ref`, when all is said that it brings,
// so what it answers belongs to the first of those that are not done.

export class Sent {
  #lines = [];
  #last = 0;

  // `about` is whatever is to be known of the line when it is answered. Gives the line, with its
  // `ref` and its `text`.
  add(text, about) {
    this.#last += 1;
    const line = { ...about, ref: this.#last, text };
    this.#lines.push(line);
    return line;
  }

  // The one that is being answered, if there is one.
  get current() {
    return this.#lines[0] ?? null;
  }

  has(isMeant) {
    return this.#lines.some(isMeant);
  }

  // Gives those that will not be answered any more.
  done(ref) {
    return this.#lines.splice(0, this.#lines.findIndex((line) => line.ref === ref) + 1);
  }

  // Gives all of them: the connection is gone.
  clear() {
    return this.#lines.splice(0);
  }
}

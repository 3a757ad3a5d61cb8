// A hand on the way between a page and the server's WebSocket: it reads what passes, keeps it for a
// while, and adds to it.

export class Wire {
  // What the page has sent, as objects.
  sent = [];
  #page = null;
  #kept = { page: null, server: null };
  #next = null;
  #last = null;

  // Before the page is loaded: every connection that it makes goes through here.
  async join(page) {
    await page.routeWebSocket(/\/ws$/, (near) => {
      const far = near.connectToServer();
      this.#page = near;
      this.#kept = { page: null, server: null };
      if (this.#next) this.hold(this.#next);
      this.#next = null;
      near.onMessage((message) => {
        const objects = message.split("\n").map((line) => JSON.parse(line));
        this.sent.push(...objects);
        if (objects.some(({ text }) => text !== undefined && text === this.#last)) {
          this.hold("page");
          this.#last = null;
        }
        this.#pass("page", message, far);
      });
      far.onMessage((message) => this.#pass("server", message, near));
    });
  }

  // How often the page has sent such a line.
  lines(text) {
    return this.sent.filter((object) => object.kind === "line" && object.text === text).length;
  }

  // What `page` or `server` says goes no further, until it is released or the connection is gone.
  hold(whose) {
    this.#kept[whose] = [];
  }

  // The same, from the first word of the next connection on.
  holdNext(whose) {
    this.#next = whose;
  }

  // What the page says goes no further from this line on, until the connection is gone.
  holdFrom(text) {
    this.#last = text;
  }

  release(whose) {
    const kept = this.#kept[whose];
    this.#kept[whose] = null;
    kept.forEach(([message, to]) => to.send(message));
  }

  // As if the server had said it.
  tell(...values) {
    this.#page.send(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
  }

  #pass(whose, message, to) {
    if (this.#kept[whose]) this.#kept[whose].push([message, to]);
    else to.send(message);
  }
}

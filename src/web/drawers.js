// On a narrow screen rooms and people are drawers: one is open at most, it takes the focus, and gives
// it back. On a wide one the style sheet shows both, and nothing here is ever used.

export class Drawers {
  #scrim;
  #open = null;

  constructor(scrim, pairs) {
    this.#scrim = scrim;
    for (const [button, drawer] of pairs) {
      button.addEventListener("click", () => (this.#open?.[1] === drawer ? this.close() : this.#show(button, drawer)));
    }
    scrim.addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#open) return;
      const [button] = this.#open;
      this.close();
      button.focus();
    });
  }

  #show(button, drawer) {
    this.close();
    this.#open = [button, drawer];
    this.#mark(button, drawer, true);
    drawer.querySelector("button")?.focus();
  }

  close() {
    if (this.#open) this.#mark(...this.#open, false);
    this.#open = null;
  }

  #mark(button, drawer, isOpen) {
    button.setAttribute("aria-expanded", String(isOpen));
    drawer.classList.toggle("open", isOpen);
    this.#scrim.hidden = !isOpen;
  }
}

// Where one types: sending, the lines one has typed before, completion, and the error next to it.

import { Completion, candidates } from "./completion.js";

const REMEMBERED = 100;

export class Composer {
  #input;
  #error;
  #say;
  #known;
  #completion;
  #typed = [];
  // How far back one has gone, and what one was about to type.
  #back = 0;
  #draft = "";

  // `say` takes one line and tells whether it was sent; `known` gives what can be completed;
  // `scroll` moves the log by pages.
  constructor({ form, input, list, error, say, known, scroll }) {
    this.#input = input;
    this.#error = error;
    this.#say = say;
    this.#known = known;
    this.#completion = new Completion(input, list);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    input.addEventListener("input", () => this.#edited());
    input.addEventListener("blur", () => this.#completion.close());
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "PageUp" || event.key === "PageDown") {
        scroll(event.key === "PageUp" ? -1 : 1);
        event.preventDefault();
      } else if (this.#key(event)) {
        event.preventDefault();
      }
    });
  }

  focus() {
    this.#input.focus();
  }

  // Begins a line for somebody who has clicked on something.
  begin(text) {
    this.#replace(text);
    this.focus();
    this.#edited();
  }

  // Gives back what could not be sent, if nothing else is being typed.
  giveBack(text) {
    if (this.#input.value === "") this.#replace(text);
  }

  // What is known has grown: the list that is open may, too.
  refresh() {
    if (document.activeElement === this.#input && this.#input.value.startsWith("/")) this.#suggest(false);
  }

  complain(text) {
    this.#error.textContent = text;
  }

  #key(event) {
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;
    const completion = this.#completion;
    switch (event.key) {
      case "Enter":
        if (!isPlain) return false;
        if (completion.isMeant) completion.accept();
        else this.#send();
        return true;
      case "Tab":
        return isPlain && this.#tab();
      case "Escape":
        if (!completion.isOpen) return false;
        completion.close();
        event.stopPropagation();
        return true;
      case "ArrowUp":
      case "ArrowDown": {
        if (!isPlain) return false;
        const by = event.key === "ArrowUp" ? -1 : 1;
        if (completion.isOpen && this.#back === 0) completion.move(by);
        else return this.#recall(-by);
        return true;
      }
      default:
        return false;
    }
  }

  #tab() {
    if (!this.#completion.isOpen) {
      const found = this.#candidates(true);
      if (found.options.length === 0) return false;
      this.#completion.suggest(found);
      if (found.options.length > 1) return true;
    }
    this.#completion.accept();
    return true;
  }

  #send() {
    const lines = this.#input.value.split("\n").filter((line) => line.trim() !== "");
    this.#completion.close();
    this.complain("");
    const isCommand = lines[0]?.startsWith("/");
    for (const [index, line] of lines.entries()) {
      // In the middle of a text that was pasted a slash begins no command.
      const isText = index > 0 && !isCommand && line.startsWith("/");
      if (!this.#say(isText ? `/${line}` : line)) {
        this.#replace(lines.slice(index).join("\n"));
        this.complain("Not connected: your line stays here until you are.");
        return;
      }
      this.#remember(line);
    }
    this.#replace("");
  }

  #remember(line) {
    if (this.#typed.at(-1) !== line) this.#typed.push(line);
    if (this.#typed.length > REMEMBERED) this.#typed.shift();
    this.#back = 0;
  }

  // Up goes on from the first line only, down from the last one, as in any text.
  #recall(by) {
    const { value, selectionStart, selectionEnd } = this.#input;
    const isInside = by > 0 ? value.slice(0, selectionStart).includes("\n") : value.slice(selectionEnd).includes("\n");
    const back = this.#back + by;
    if (isInside || back < 0 || back > this.#typed.length) return false;
    if (this.#back === 0) this.#draft = value;
    this.#replace(back === 0 ? this.#draft : this.#typed.at(-back));
    this.#back = back;
    return true;
  }

  #replace(text) {
    this.#input.value = text;
    this.#input.setSelectionRange(text.length, text.length);
    this.#back = 0;
    this.#fit();
  }

  #edited() {
    this.#back = 0;
    this.complain("");
    this.#fit();
    this.#suggest(false);
  }

  #suggest(isAsked) {
    this.#completion.suggest(this.#candidates(isAsked));
  }

  #candidates(isAsked) {
    return candidates(this.#input.value, this.#input.selectionEnd, this.#known(), isAsked);
  }

  // As high as its text; the style sheet says how high at most.
  #fit() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight}px`;
  }
}

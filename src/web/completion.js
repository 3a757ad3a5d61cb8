// What a half-typed word could become: commands, nicknames, rooms. A listbox under the input's
// control; the focus never leaves the input.

import { element } from "./row.js";

const MOST = 14;

// The word before the caret, and what could stand there. `known` has `commands`, `nicks`, `rooms`,
// and whether Tab asked for it.
export function candidates(text, caret, known, isAsked) {
  const before = text.slice(0, caret);
  const command = /^\/(\S*)$/u.exec(before);
  if (command) {
    const start = before.toLowerCase();
    const fit = known.commands.filter(({ word }) => word.startsWith(start));
    return found(0, caret, fit.map(({ word, usage, purpose }) => ({ label: usage, note: purpose, text: `${word} ` })));
  }
  const argument = /^\/(\S+)\s+(\S*)$/u.exec(before);
  if (argument) {
    const from = caret - argument[2].length;
    switch (argument[1].toLowerCase()) {
      case "msg":
        return found(from, caret, starting(known.nicks, argument[2]).map((nick) => ({ label: nick, text: `${nick} ` })));
      case "join":
      case "who": {
        const start = argument[2].replace(/^#/, "");
        return found(from, caret, starting(known.rooms, start).map((room) => ({ label: `#${room}`, text: room })));
      }
    }
  }
  const word = /(^|\s)@?([^\s@]+)$/u.exec(before);
  if (!isAsked || !word) return found(caret, caret, []);
  const from = caret - word[0].length + word[1].length;
  const after = from === 0 ? ": " : " ";
  return found(from, caret, starting(known.nicks, word[2]).map((nick) => ({ label: nick, text: nick + after })));
}

const found = (from, to, options) => ({ from, to, options: options.slice(0, MOST) });

function starting(names, start) {
  const wanted = start.toLowerCase();
  return names.filter((name) => name.toLowerCase().startsWith(wanted) && name !== start);
}

export class Completion {
  #input;
  #list;
  #current = null;
  #chosen = 0;
  // Whether one has gone to an option, or Enter is to take the first one anyway.
  #isMeant = false;

  constructor(input, list) {
    this.#input = input;
    this.#list = list;
    // The input keeps the focus.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.accept([...list.children].indexOf(option));
    });
  }

  get isOpen() {
    return this.#current !== null;
  }

  // Whether Enter takes the option; if not, it sends the line.
  get isMeant() {
    return this.isOpen && this.#isMeant;
  }

  suggest(found) {
    if (found.options.length === 0) return this.close();
    const typed = this.#input.value.slice(found.from, found.to);
    const isComplete = found.options.some((option) => option.text.trimEnd() === typed.toLowerCase());
    this.#current = found;
    this.#isMeant = typed.startsWith("/") && typed.length > 1 && !isComplete;
    this.#list.replaceChildren(...found.options.map(({ label, note }, index) => {
      const option = element("li", "option", element("span", "label", label));
      if (note) option.append(element("span", "note", note));
      option.id = `option-${index}`;
      option.setAttribute("role", "option");
      return option;
    }));
    this.#list.hidden = false;
    this.#input.setAttribute("aria-expanded", "true");
    this.#choose(0);
  }

  move(by) {
    this.#isMeant = true;
    this.#choose(this.#chosen + by);
  }

  #choose(index) {
    const options = [...this.#list.children];
    this.#chosen = (index + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.#chosen)));
    options[this.#chosen].scrollIntoView({ block: "nearest" });
    this.#input.setAttribute("aria-activedescendant", options[this.#chosen].id);
  }

  accept(index = this.#chosen) {
    const { from, to, options } = this.#current;
    this.close();
    this.#input.setRangeText(options[index].text, from, to, "end");
    this.#input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  close() {
    this.#current = null;
    this.#isMeant = false;
    this.#list.hidden = true;
    this.#list.replaceChildren();
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }
}

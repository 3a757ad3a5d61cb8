// Who is here: a button for each, which begins a private message.

import { avatar, element } from "./row.js";

export class People {
  #list;
  #title;
  #begin;
  #shown = "";

  constructor(list, title, begin) {
    this.#list = list;
    this.#title = title;
    this.#begin = begin;
  }

  show(nicks, count, me) {
    this.#title.textContent = count === 1 ? "1 person here" : `${count} people here`;
    const sorted = [...nicks].sort((a, b) => (a === me ? -1 : b === me ? 1 : a.localeCompare(b)));
    const shown = JSON.stringify([sorted, count, me]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.dataset.nick : null;
    const items = sorted.map((nick) => element("li", "", this.#person(nick, me)));
    if (count > nicks.length) items.push(element("li", "more", `and ${count - nicks.length} more`));
    this.#list.replaceChildren(...items);
    if (focused !== null) [...this.#list.querySelectorAll("button")].find((button) => button.dataset.nick === focused)?.focus();
  }

  #person(nick, me) {
    const isMe = nick === me;
    const button = element("button", "person", avatar(nick), element("span", "name", nick));
    button.type = "button";
    button.dataset.nick = nick;
    button.append(element("span", isMe ? "you" : "visually-hidden", isMe ? "you" : ", private message"));
    button.title = isMe ? "Change your name" : `Private message to ${nick}`;
    button.addEventListener("click", () => this.#begin(isMe ? "/nick " : `/msg ${nick} `));
    return button;
  }
}

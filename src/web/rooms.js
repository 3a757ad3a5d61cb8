// The board of rooms: how many are in each, and how much was said there since one looked.

import { element } from "./row.js";

export class Rooms {
  #list;
  #join;
  #board = [];
  // What had been said in each when one last looked, and when the board last came.
  #read = new Map();
  #said = new Map();
  #here = null;
  // What was said here since the board last came.
  #since = 0;

  constructor(list, join) {
    this.#list = list;
    this.#join = join;
  }

  get names() {
    return this.#board.map((room) => room.name);
  }

  get hasUnread() {
    return this.#board.some(({ name }) => this.#unread(name) > 0);
  }

  entered(room) {
    if (this.#here !== null && this.#here !== room) {
      this.#read.set(this.#here, (this.#said.get(this.#here) ?? 0) + this.#since);
    }
    this.#here = room;
    this.#since = 0;
    this.#draw();
  }

  heard() {
    this.#since += 1;
  }

  update(board) {
    for (const { name, said } of board) {
      const isAnother = said < (this.#said.get(name) ?? 0);
      if (isAnother) this.#read.set(name, 0); // the server or the room began anew
      if (!this.#read.has(name) || name === this.#here) this.#read.set(name, said);
      this.#said.set(name, said);
    }
    const names = new Set(board.map((room) => room.name));
    for (const map of [this.#read, this.#said]) {
      // Rooms that are gone from the board are forgotten, or the list would grow for ever.
      for (const name of map.keys()) if (!names.has(name) && name !== this.#here && map.size > 200) map.delete(name);
    }
    this.#board = board;
    this.#since = 0;
    this.#draw();
  }

  #unread(name) {
    return name === this.#here ? 0 : Math.max(0, (this.#said.get(name) ?? 0) - (this.#read.get(name) ?? 0));
  }

  #draw() {
    const rooms = [...this.#board];
    if (this.#here !== null && !rooms.some((room) => room.name === this.#here)) {
      rooms.unshift({ name: this.#here, members: 1, said: 0 });
    }
    const before = new Map([...this.#list.children].map((item) => [item.dataset.room, item]));
    const items = rooms.map((room) => this.#item(room, before.get(room.name)));
    // Only if they are not what is there, so that the focus stays where it is.
    const isSame = items.length === this.#list.childElementCount && items.every((item, at) => this.#list.children[at] === item);
    if (isSame) return;
    const focused = document.activeElement;
    this.#list.replaceChildren(...items);
    if (focused?.isConnected && this.#list.contains(focused)) focused.focus();
  }

  #item({ name, members }, before) {
    const item = before ?? this.#make(name);
    const [button] = item.children;
    const [, unreadBadge, count, words] = button.children;
    const isHere = name === this.#here;
    const unread = this.#unread(name);
    unreadBadge.hidden = unread === 0;
    unreadBadge.textContent = unread > 99 ? "99+" : String(unread);
    count.textContent = String(members);
    words.textContent = `, ${members} here${unread > 0 ? `, ${unread} unread` : ""}`;
    button.classList.toggle("unread", unread > 0);
    if (isHere) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    return item;
  }

  #make(name) {
    const unread = element("span", "unread-count");
    const count = element("span", "members");
    for (const part of [unread, count]) part.setAttribute("aria-hidden", "true");
    const words = element("span", "visually-hidden");
    const button = element("button", "room", element("span", "name", name), unread, count, words);
    button.type = "button";
    button.addEventListener("click", () => this.#join(name));
    const item = element("li", "", button);
    item.dataset.room = name;
    return item;
  }
}

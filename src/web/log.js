// The log: a window of at most so many rows on a transcript. What comes in between two frames goes
// in together; whoever reads further up is not moved.

import { continues, newDay, refresh, row } from "./row.js";

// Rows at most; those of somebody who follows, after which older ones go; and those that are added at
// a time for somebody who scrolls.
const MOST = 600;
const FOLLOWED = 300;
const PIECE = 200;
const AT_THE_END = 40;

export class Log {
  #box;
  #list;
  #button;
  #needEarlier;
  #transcript = { entries: [], dropped: 0, waiting: 0 };
  #rows = new WeakMap();
  #entries = new WeakMap();
  // The window, as indices of entries, and how many entries had been dropped when it was drawn.
  #first = 0;
  #end = 0;
  #dropped = 0;
  // How far one has read, also an index.
  #seen = 0;
  #isFollowing = true;
  #frame = 0;
  #loud = 0;

  constructor(box, list, button, needEarlier) {
    this.#box = box;
    this.#list = list;
    this.#button = button;
    this.#needEarlier = needEarlier;
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    button.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#isFollowing && this.#stick()).observe(box);
  }

  show(transcript) {
    this.#transcript = transcript;
    this.toEnd();
  }

  // Something was added at the end.
  added(transcript) {
    if (transcript === this.#transcript) this.#schedule();
  }

  // Something was added anywhere.
  changed(transcript) {
    if (transcript !== this.#transcript) return;
    const anchor = this.#isFollowing ? null : this.#anchor();
    const at = anchor ? transcript.entries.indexOf(this.#entries.get(anchor.row)) : -1;
    if (at === -1) return this.toEnd();
    const first = Math.max(0, at - MOST / 2);
    this.#seen += transcript.entries.length - this.#end;
    this.#draw(first, first + MOST, anchor);
    this.#schedule();
  }

  // An entry is not what it was; with its transcript, it may also stand elsewhere among the last.
  refresh(entry, transcript) {
    const made = this.#rows.get(entry);
    if (made) refresh(made, entry);
    if (transcript === this.#transcript) this.#schedule();
  }

  scrollPages(pages) {
    this.#box.scrollBy({ top: pages * this.#box.clientHeight * 0.9 });
  }

  toEnd() {
    const all = this.#transcript.entries.length;
    this.#isFollowing = true;
    this.#dropped = this.#transcript.dropped;
    this.#draw(all - FOLLOWED, all, null);
    this.#schedule();
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#catchUp();
      this.#fill();
    });
  }

  #catchUp() {
    const all = this.#transcript.entries.length;
    this.#followDrops();
    if (this.#isFollowing) {
      const isMuch = this.#list.childElementCount + all - this.#end > FOLLOWED + PIECE;
      if (isMuch) this.#draw(all - FOLLOWED, all, null);
      else this.#append(all);
      this.#stick();
      this.#seen = all - this.#transcript.waiting;
    } else {
      this.#append(Math.min(all, this.#first + MOST));
    }
    this.#tellNew();
  }

  // The transcript has let go of its oldest entries.
  #followDrops() {
    const drops = this.#transcript.dropped - this.#dropped;
    if (drops === 0) return;
    const anchor = this.#isFollowing ? null : this.#anchor();
    this.#dropped = this.#transcript.dropped;
    this.#seen = Math.max(0, this.#seen - drops);
    this.#draw(this.#first - drops, this.#end - drops, anchor);
  }

  // More rows, if one is near an end of the window and there are more.
  #fill() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const all = this.#transcript.entries.length;
    if (clientHeight === 0) return;
    if (scrollTop < clientHeight) {
      if (this.#first === 0) return this.#needEarlier();
      const first = Math.max(0, this.#first - PIECE);
      this.#draw(first, first + MOST, this.#anchor());
    } else if (this.#end < all && scrollHeight - scrollTop - clientHeight < clientHeight) {
      const end = Math.min(all, this.#end + PIECE);
      this.#draw(end - MOST, end, this.#anchor());
    }
  }

  // What comes in goes before one's own lines that wait: rows are compared from the end.
  #append(end) {
    let at = Math.min(this.#end, end);
    const isThere = () => this.#list.children[at - 1 - this.#first] === this.#rows.get(this.#transcript.entries[at - 1]);
    while (at > this.#first && !isThere()) at -= 1;
    this.#replace(this.#make(at, end), at - this.#first);
    this.#end = end;
  }

  // Draws a window anew; with an anchor that row stays where it is on the screen.
  #draw(first, end, anchor) {
    this.#first = Math.max(0, first);
    this.#end = Math.max(this.#first, Math.min(end, this.#transcript.entries.length));
    // A screen reader is not to read all of it out as news.
    this.#list.setAttribute("aria-live", "off");
    clearTimeout(this.#loud);
    this.#loud = setTimeout(() => this.#list.setAttribute("aria-live", "polite"), 300);
    this.#replace(this.#make(this.#first, this.#end), 0);
    if (!anchor) this.#stick();
    else if (anchor.row.isConnected) this.#box.scrollTop += anchor.row.getBoundingClientRect().top - anchor.top;
  }

  // Puts rows in the place of all from an index on. Those that stay are not touched: their layout
  // stands.
  #replace(rows, from) {
    const stay = new Set(rows);
    for (const child of [...this.#list.children].slice(from)) if (!stay.has(child)) child.remove();
    let next = this.#list.children[from] ?? null;
    for (const one of rows) {
      if (one === next) next = next.nextElementSibling;
      else this.#list.insertBefore(one, next);
    }
  }

  #make(first, end) {
    const { entries } = this.#transcript;
    const made = [];
    for (let at = first; at < end; at += 1) {
      const [entry, before] = [entries[at], entries[at - 1]];
      const day = newDay(entry, before);
      const one = this.#row(entry);
      one.classList.toggle("continued", !day && continues(entry, before));
      if (day) one.dataset.day = day;
      else delete one.dataset.day;
      made.push(one);
    }
    return made;
  }

  #row(entry) {
    let made = this.#rows.get(entry);
    if (!made) {
      made = row(entry);
      this.#rows.set(entry, made);
      this.#entries.set(made, entry);
    }
    return made;
  }

  // The first row one can see.
  #anchor() {
    const edge = this.#box.getBoundingClientRect().top;
    const rows = this.#list.children;
    let [from, to] = [0, rows.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (rows[middle].getBoundingClientRect().bottom > edge) to = middle;
      else from = middle + 1;
    }
    const found = rows[from];
    return found ? { row: found, top: found.getBoundingClientRect().top } : null;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    const isNear = scrollHeight - scrollTop - clientHeight < AT_THE_END;
    // Whoever follows goes on to; it may be that the next rows are only due in the next frame.
    this.#isFollowing = isNear && (this.#isFollowing || this.#end === this.#transcript.entries.length);
    this.#schedule();
  }

  #stick() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  #tellNew() {
    const isNews = (entry) => entry.nick !== undefined && !entry.own;
    const news = this.#isFollowing ? 0 : this.#transcript.entries.slice(this.#seen).filter(isNews).length;
    this.#button.hidden = this.#isFollowing;
    this.#button.textContent = news > 0 ? `${news} new ↓` : "To the end ↓";
  }
}

// The ring: the phases in their order, clockwise from the top, and how much of the busy time each took.
// The sleep of the poll phase is no work; it is drawn apart, in the middle.

import { count } from "/loop-words.js";

const NS = "http://www.w3.org/2000/svg";
const CENTRE = 210;
const RADIUS = 140;
const ORDER = ["pending", "poll", "check", "closing", "timers"];
const SLOT = (2 * Math.PI) / ORDER.length;
const GAP = 0.05;

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** A point at an angle, clockwise from the top. */
const at = (angle, radius) => [CENTRE + radius * Math.sin(angle), CENTRE - radius * Math.cos(angle)];

function arc(from, to, radius) {
  const [[x1, y1], [x2, y2]] = [at(from, radius), at(to, radius)];
  return `M${x1.toFixed(2)} ${y1.toFixed(2)}A${radius} ${radius} 0 ${to - from > Math.PI ? 1 : 0} 1 ${x2.toFixed(2)} ${y2.toFixed(2)}`;
}

function make(parent, name, attributes = {}) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

export class Ring {
  #box;
  #slots = new Map();
  #gauge;
  #big;
  #under;
  #turns;
  #comet;
  #tail;
  #angle = 0;
  #speed = 0;
  #seen = 0;
  #running = false;
  #pointing = null;

  constructor(box) {
    this.#box = box;
    const svg = make(box, "svg", { viewBox: "0 0 420 420", role: "img", "aria-label": "The phases of the loop as a ring; the table says the same." });
    ORDER.forEach((name, index) => {
      const group = make(svg, "g", { class: `slot of-${name}` });
      const [from, to] = [index * SLOT + GAP, (index + 1) * SLOT - GAP];
      make(group, "path", { class: "track", d: arc(from, to, RADIUS) });
      const fill = make(group, "path", { class: "fill", d: "" });
      const middle = (from + to) / 2;
      const [x, y] = at(middle, RADIUS + 28);
      const anchor = Math.abs(x - CENTRE) < 20 ? "middle" : x > CENTRE ? "start" : "end";
      const label = make(group, "text", { x: x.toFixed(1), y: (y + 5).toFixed(1), "text-anchor": anchor });
      label.textContent = name[0].toUpperCase() + name.slice(1);
      this.#slots.set(name, { group, fill, from, to });
    });
    make(svg, "circle", { class: "gauge-track", cx: CENTRE, cy: CENTRE, r: 104 });
    this.#gauge = make(svg, "path", { class: "gauge", d: "" });
    this.#tail = make(svg, "path", { class: "tail", d: "" });
    this.#comet = make(svg, "circle", { class: "comet", r: 5 });
    this.#big = make(svg, "text", { class: "big", x: CENTRE, y: CENTRE - 2, "text-anchor": "middle" });
    this.#big.textContent = "–";
    this.#under = make(svg, "text", { class: "under", x: CENTRE, y: CENTRE + 24, "text-anchor": "middle" });
    this.#under.textContent = "waiting for the loop";
    this.#turns = make(svg, "text", { class: "under", x: CENTRE, y: CENTRE + 46, "text-anchor": "middle" });
    this.#place();
  }

  /** What the last second came to. */
  update(named, busy, asleep, turns) {
    for (const [name, slot] of this.#slots) {
      const share = busy ? named[name][0] / busy : 0;
      const length = (slot.to - slot.from) * share;
      slot.fill.setAttribute("d", length > 0.004 ? arc(slot.from, slot.from + length, RADIUS) : "");
      slot.group.classList.toggle("quiet", named[name][1] === 0);
    }
    const worked = Math.min(0.9999, 1 - asleep);
    this.#gauge.setAttribute("d", worked > 0.001 ? arc(0, worked * 2 * Math.PI, 104) : "");
    const percent = asleep * 100;
    this.#big.textContent = `${percent > 99 || percent < 1 ? percent.toFixed(1) : Math.round(percent)}%`;
    this.#under.textContent = "asleep";
    this.#turns.textContent = `${count(turns)} turns a second`;
    // Faster with more turns, but never so fast that it blurs: it says that the loop goes round, not how often.
    this.#speed = turns > 0 ? 0.25 + 0.22 * Math.log10(1 + turns) : 0;
    this.#seen = performance.now();
    if (!this.#running && !still.matches) {
      this.#running = true;
      requestAnimationFrame((now) => this.#run(now, now));
    }
  }

  /** Points at one phase, while a recorded turn is stepped through; `null` at none. */
  point(name) {
    clearTimeout(this.#pointing);
    if (name !== null) this.#pointing = setTimeout(() => this.point(null), 6000);
    this.#box.classList.toggle("stepping", name !== null);
    for (const [own, { group }] of this.#slots) group.classList.toggle("on", own === name);
  }

  #run(before, now) {
    // Without frames the loop does not go round: then neither does this.
    if (now - this.#seen < 220) {
      this.#angle = (this.#angle + (this.#speed * (now - before) * 2 * Math.PI) / 1000) % (2 * Math.PI);
      this.#place();
    }
    if (still.matches || document.hidden || now - this.#seen > 5000) this.#running = false;
    else requestAnimationFrame((next) => this.#run(now, next));
  }

  #place() {
    const [x, y] = at(this.#angle, 120);
    this.#comet.setAttribute("cx", x.toFixed(2));
    this.#comet.setAttribute("cy", y.toFixed(2));
    this.#tail.setAttribute("d", arc(this.#angle - 0.45, this.#angle - 0.06, 120));
  }
}

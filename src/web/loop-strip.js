// The strip: the latest turns, the newest at the right. A bar's height is the time at work on a logarithmic
// scale, from a microsecond to a second; its colours are the phases' shares of that.

import { duration } from "/loop-words.js";

const BAR = 2;
const STEP = 3;
const LINES = [1e4, 1e5, 1e6, 1e7, 1e8];
const FLOOR = 1e3;
const TOP = 1e9;
const LONG = 5e7;

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Calls back when the page has other colours: the system's choice has changed, or the button's. */
export function onTheme(call) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", call);
  new MutationObserver(call).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}

/** The colours of the phases, as the style sheet has them for now. */
export function colours(canvas, phases) {
  const style = getComputedStyle(canvas);
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = { phases: phases.map(read), line: read("line"), soft: read("soft"), ink: read("ink"), font: style.fontFamily };
  probe.remove();
  return found;
}

/** Fits a canvas to its box and the screen's pixels; its width and height in CSS pixels. */
export function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

export class Strip {
  #canvas;
  #phases;
  #bars = [];
  /** Bars that are still to come in, so that they flow instead of jumping ten times a second. */
  #coming = [];
  #due = 0;
  #drawn = false;
  #palette = null;
  #note = document.getElementById("strip-note");
  #words = this.#note.textContent;

  constructor(canvas, phases) {
    this.#canvas = canvas;
    this.#phases = phases;
    onTheme(() => {
      this.#palette = null;
      this.#ask();
    });
    new ResizeObserver(() => this.#ask()).observe(canvas);
  }

  /** Takes what a frame brought. */
  add({ strip }) {
    let each = 1;
    this.#bars.push(...this.#coming);
    this.#coming = strip.map(([, of, times]) => {
      each = Math.max(each, of);
      return times;
    });
    if (still.matches || document.hidden) this.#bars.push(...this.#coming.splice(0));
    this.#due = performance.now() + 100;
    this.#bars.splice(0, Math.max(0, this.#bars.length - 800));
    const words = each > 1 ? `${this.#words} There are many now: a bar is the longest of ${each} turns in a row.` : this.#words;
    if (this.#note.textContent !== words) this.#note.textContent = words;
    this.#ask();
  }

  #ask() {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame((now) => {
      this.#drawn = false;
      this.#flow(now);
      this.#draw();
    });
  }

  #flow(now) {
    if (!this.#coming.length) return;
    const left = Math.max(0, this.#due - now);
    const keep = Math.floor((this.#coming.length * left) / 100);
    if (left <= 0) this.#bars.push(...this.#coming.splice(0));
    else if (this.#coming.length > keep) this.#bars.push(...this.#coming.splice(0, Math.max(1, Math.ceil(this.#coming.length / Math.max(1, left / 16)))));
    this.#ask();
  }

  #draw() {
    const { context, width, height } = fit(this.#canvas);
    this.#palette ??= colours(this.#canvas, this.#phases);
    const { phases, line, soft, ink, font } = this.#palette;
    const base = height - 8;
    const room = base - 20;
    const scale = (nanos) => (room * Math.log(Math.max(nanos, FLOOR) / FLOOR)) / Math.log(TOP / FLOOR);
    context.font = `11px ${font}`;
    context.textBaseline = "middle";
    const margin = 52;
    for (const nanos of LINES) {
      const y = Math.round(base - scale(nanos)) + 0.5;
      context.fillStyle = line;
      context.fillRect(margin, y, width - margin, 1);
      context.fillStyle = soft;
      context.textAlign = "right";
      context.fillText(duration(nanos).replace(".00", "").replace(".0", ""), margin - 8, y);
    }
    const shown = this.#bars.slice(-Math.floor((width - margin - 6) / STEP));
    const long = [];
    shown.forEach((times, index) => {
      const x = width - 6 - (shown.length - index) * STEP;
      const busy = times.reduce((sum, nanos, phase) => (this.#phases[phase] === "sleep" ? sum : sum + nanos), 0);
      const tall = Math.max(2, scale(busy));
      let y = base;
      times.forEach((nanos, phase) => {
        if (this.#phases[phase] === "sleep" || !nanos) return;
        const part = (tall * nanos) / busy;
        context.fillStyle = phases[phase];
        context.fillRect(x, y - part, BAR, part);
        y -= part;
      });
      if (busy >= LONG) long.push([busy, x, tall]);
    });
    // The longest have their time written above, as far as there is room for it.
    context.font = `600 12px ${font}`;
    context.fillStyle = ink;
    context.textAlign = "center";
    const taken = [];
    for (const [busy, x, tall] of long.sort((a, b) => b[0] - a[0])) {
      const middle = Math.min(Math.max(x, margin + 26), width - 30);
      if (taken.some((other) => Math.abs(other - middle) < 58)) continue;
      taken.push(middle);
      context.fillText(duration(busy), middle, Math.max(9, base - tall - 10));
    }
  }
}

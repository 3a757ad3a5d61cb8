// Slow motion: one recorded turn, callback by callback.

import { colours, fit, onTheme } from "/loop-strip.js";
import { bytes, duration } from "/loop-words.js";

const byId = (id) => document.getElementById(id);
const PACE = 1400;
const LONG = 1e7;

const CHAPTERS = {
  readiness: ["/docs/course/03-readiness.md", "Readiness"],
  turn: ["/docs/course/04-one-turn.md", "One turn of the loop"],
  timers: ["/docs/course/05-timers.md", "Timers"],
  fanOut: ["/docs/course/07-fan-out.md", "One message to everyone"],
  backpressure: ["/docs/course/08-backpressure.md", "Backpressure"],
  block: ["/docs/course/09-never-block.md", "Never block"],
};

const EVENTS = {
  data: ["Bytes had come. The loop read them once, through its one buffer, and handed them out.", "readiness"],
  connection: ["Somebody was waiting in the backlog: accepted, registered once and for all, and told.", "readiness"],
  end: ["The other side will send no more. That is told in a tick, after the callback that found it.", "turn"],
  finish: ["Everything that was written is with the kernel, and the other side knows that no more comes.", "turn"],
  drain: ["A write had said: enough. All of it is sent now, so it may go on.", "backpressure"],
  timeout: ["Nothing was read or written for a while.", "timers"],
  close: ["It is closed. Only after this phase may its place be used again.", "turn"],
  error: ["Something broke the connection; its close follows.", "turn"],
};
const ORIGINS = {
  immediate: ["An immediate: it waited until everything that was ready had been read. Here the chat writes what the turn brought, once to each member.", "fanOut"],
  timer: ["A timer was due. Timers come last in a turn.", "timers"],
  tick: ["A tick: queued by the callback before it, and run before anything else.", "turn"],
  work: ["The thread pool has finished what would have blocked the loop.", "block"],
  "async handle": ["Another thread had something to tell, and woke the loop for it.", "block"],
  "poll handle": ["Another source was ready: a signal, a terminal.", "readiness"],
  handle: ["The loop was told that it is ready, but nobody waits for that: it is remembered, and nothing is called.", "readiness"],
};

/** What a step was about, in a few words. */
function title(step) {
  const who = step.kind ? `${step.kind} #${step.handle}${step.name ? ` (${step.name})` : ""}` : "";
  if (step.event) return `'${step.event}' on ${who}`;
  if (step.origin === "handle") return `${who}: nothing to tell`;
  const what = step.origin[0].toUpperCase() + step.origin.slice(1);
  return who ? `${what} of ${who}` : what;
}

function facts(step) {
  const said = [`took ${duration(step.nanos)}, ${duration(step.start)} into the turn`];
  if (step.bytes) said.push(`${bytes(step.bytes)} handed out`);
  if (step.accepts) said.push(`${step.accepts} ${step.accepts === 1 ? "accept" : "accepts"}`);
  if (step.reads) said.push(`${step.reads} ${step.reads === 1 ? "read" : "reads"} of ${bytes(step.bytesRead)}`);
  if (step.writes) said.push(`${step.writes} ${step.writes === 1 ? "write" : "writes"} of ${bytes(step.bytesWritten)}`);
  return `${said.join("; ")}.`;
}

function why(step) {
  if (step.nanos > LONG) return ["A long one: nobody else was served meanwhile.", "block"];
  return EVENTS[step.event] ?? (step.event ? ["", "turn"] : ORIGINS[step.origin]) ?? ["", "turn"];
}

export class Replay {
  #send;
  #ring;
  #phases;
  #recording = null;
  #at = 0;
  #timer = null;
  #waits = null;
  #buttons = [];

  constructor({ send, ring, phases }) {
    this.#send = send;
    this.#ring = ring;
    this.#phases = phases;
    byId("record").addEventListener("click", () => this.#record());
    byId("play").addEventListener("click", () => (this.#timer ? this.#pause() : this.#play()));
    byId("step").addEventListener("click", () => this.#move(this.#at + 1));
    byId("back").addEventListener("click", () => this.#move(this.#at - 1));
    byId("scrub").addEventListener("input", (event) => this.#move(Number(event.target.value)));
    byId("timeline").addEventListener("click", (event) => this.#pick(event));
    new ResizeObserver(() => this.#draw()).observe(byId("timeline"));
    onTheme(() => this.#draw());
  }

  connected() {
    byId("record").disabled = false;
  }

  disconnected() {
    byId("record").disabled = true;
    clearTimeout(this.#waits);
  }

  #record() {
    byId("record").disabled = true;
    byId("replay-note").textContent = "Recording …";
    this.#send("record");
    this.#waits = setTimeout(() => {
      byId("record").disabled = false;
      byId("replay-note").textContent = "Nothing came. Try again.";
    }, 4000);
  }

  /** A recording has come. */
  show(recording) {
    clearTimeout(this.#waits);
    this.#pause();
    this.#recording = recording;
    const { steps, leftOut } = recording;
    const busy = recording.phases.reduce((sum, [nanos], phase) => (this.#phases[phase] === "sleep" ? sum : sum + nanos), 0);
    const more = leftOut ? `, and ${leftOut} more that are not shown` : "";
    byId("record").disabled = false;
    byId("record").textContent = "Record another";
    byId("replay-note").textContent =
      `Turn ${recording.turn.toLocaleString("en")}: ${steps.length} ${steps.length === 1 ? "callback" : "callbacks"}${more}, ${duration(busy)} at work.`;
    byId("player").hidden = false;
    byId("scrub").max = String(steps.length - 1);
    this.#buttons = steps.map((step, index) => this.#item(step, index));
    byId("steps").replaceChildren(...this.#buttons.map((button) => {
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
    this.#move(0);
  }

  #item(step, index) {
    const button = document.createElement("button");
    button.type = "button";
    const parts = [["number", String(index + 1)], [`dot of-${this.#phases[step.phase]}`, ""], ["what", title(step)], ["time", duration(step.nanos)]];
    button.append(...parts.map(([name, words]) => {
      const part = document.createElement("span");
      part.className = name;
      part.textContent = words;
      return part;
    }));
    button.addEventListener("click", () => {
      this.#pause();
      this.#move(index);
    });
    return button;
  }

  #move(to) {
    const { steps } = this.#recording;
    this.#buttons[this.#at]?.removeAttribute("aria-current");
    this.#at = Math.max(0, Math.min(steps.length - 1, to));
    const step = steps[this.#at];
    const phase = this.#phases[step.phase];
    const current = this.#buttons[this.#at];
    current.setAttribute("aria-current", "step");
    const list = byId("steps");
    const [top, bottom] = [current.offsetTop - list.offsetTop, current.offsetTop - list.offsetTop + current.offsetHeight];
    if (top < list.scrollTop || bottom > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
    byId("scrub").value = String(this.#at);
    byId("place").textContent = `${this.#at + 1} of ${steps.length}`;
    byId("back").disabled = this.#at === 0;
    byId("step").disabled = this.#at === steps.length - 1;
    byId("card-phase").textContent = `${phase[0].toUpperCase()}${phase.slice(1)} phase`;
    byId("card-phase").className = `badge of-${phase}`;
    byId("card-title").textContent = title(step);
    byId("card-facts").textContent = facts(step);
    const [words, chapter] = why(step);
    byId("card-why").textContent = words;
    const [href, name] = CHAPTERS[chapter];
    byId("card-link").href = href;
    byId("card-link").textContent = `Read: ${name}`;
    this.#ring.point(phase);
    this.#draw();
  }

  #play() {
    if (this.#at === this.#recording.steps.length - 1) this.#move(0);
    byId("play").textContent = "Pause";
    this.#timer = setInterval(() => {
      if (this.#at >= this.#recording.steps.length - 1) return this.#pause();
      this.#move(this.#at + 1);
    }, PACE);
  }

  #pause() {
    clearInterval(this.#timer);
    this.#timer = null;
    byId("play").textContent = "Play";
    if (!byId("player").hidden && this.#at === (this.#recording?.steps.length ?? 0) - 1) this.#ring.point(null);
  }

  /** Where each step is on the time line: at least wide enough to be seen. */
  #places(width) {
    const { steps } = this.#recording;
    const widths = steps.map((step) => Math.log2(2 + step.nanos / 500));
    const all = widths.reduce((sum, each) => sum + each, 0);
    let x = 10;
    return widths.map((each) => {
      const place = [x, (each / all) * (width - 20)];
      x += place[1];
      return place;
    });
  }

  #pick(event) {
    if (!this.#recording) return;
    const places = this.#places(event.target.clientWidth);
    const found = places.findIndex(([x, width]) => event.offsetX >= x && event.offsetX < x + width);
    this.#pause();
    if (found >= 0) this.#move(found);
  }

  #draw() {
    if (!this.#recording || byId("player").hidden) return;
    const canvas = byId("timeline");
    const { context, width, height } = fit(canvas);
    const palette = colours(canvas, this.#phases);
    this.#places(width).forEach(([x, wide], index) => {
      const step = this.#recording.steps[index];
      const current = index === this.#at;
      context.globalAlpha = current ? 1 : 0.55;
      context.fillStyle = palette.phases[step.phase];
      const inset = current ? 8 : 16;
      context.fillRect(x, inset, Math.max(1, wide - (wide > 3 ? 1 : 0)), height - 2 * inset);
      context.globalAlpha = 1;
      if (current) {
        context.fillStyle = palette.ink;
        context.fillRect(x, height - 6, Math.max(2, wide - 1), 2);
      }
    });
  }
}

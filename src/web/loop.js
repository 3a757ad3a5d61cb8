// The loop's page: receives frames, keeps those of the last second, and shows their sum.
//
// A frame is what the loop did between two of them, a tenth of a second mostly. Phases come in the order that
// the first message tells; times are in nanoseconds.

import { Ring } from "/loop-ring.js";
import { Strip } from "/loop-strip.js";
import { Replay } from "/loop-replay.js";
import { count, duration, bytes } from "/loop-words.js";

const SECOND = 1e9;
const byId = (id) => document.getElementById(id);

let phases = ["pending", "sleep", "poll", "check", "closing", "timers"];
let socket = null;
let retries = 0;
let frames = [];
let announced = 0;
let blockMs = 300;
let waitsForBlock = false;

const ring = new Ring(byId("ring"));
const strip = new Strip(byId("strip"), phases);
const replay = new Replay({ send, ring, phases });

function send(word) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(word);
}

function connect() {
  const url = new URL("/loop/ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.addEventListener("message", (event) => received(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    byId("block").disabled = true;
    replay.disconnected();
    frames = [];
    const wait = Math.min(10_000, 500 * 2 ** retries++);
    status("waiting", "Not connected, trying again");
    setTimeout(connect, wait);
  });
}

function status(state, text) {
  byId("status").dataset.state = state;
  if (byId("status-text").textContent !== text) byId("status-text").textContent = text;
}

function received(message) {
  switch (message.type) {
    case "hello":
      retries = 0;
      ({ phases, blockMs } = message);
      byId("block").disabled = !message.mayBlock;
      if (!message.mayBlock) byId("block-note").textContent = "Only on the machine itself.";
      replay.connected();
      status("open", "Live");
      break;
    case "frame":
      frame(message);
      break;
    case "recording":
      replay.show(message);
      break;
  }
}

function frame(one) {
  frames.push(one);
  let covered = frames.reduce((sum, each) => sum + each.span, 0);
  while (frames.length > 1 && covered - frames[0].span >= SECOND) covered -= frames.shift().span;
  if (waitsForBlock && one.span > blockMs * 1e6) {
    waitsForBlock = false;
    byId("block-note").textContent =
      `For ${blockMs} ms nobody heard anything: nothing was read, written or accepted. See the strip, and how late the loop was.`;
  }
  strip.add(one);
  show(sum(frames), covered, one);
}

/** What the frames come to; of queues, the longest. */
function sum(list) {
  const total = { phases: phases.map(() => [0, 0, 0]), ticks: [0, 0] };
  const names = ["turns", "messages", "deliveries", "skipped", "reads", "writes", "accepts", "polls", "bytesRead", "bytesWritten"];
  for (const name of names) total[name] = 0;
  for (const each of list) {
    for (const name of names) total[name] += each[name];
    each.phases.forEach(([nanos, calls, queued], at) => {
      const phase = total.phases[at];
      phase[0] += nanos;
      phase[1] += calls;
      phase[2] = Math.max(phase[2], queued);
    });
    total.ticks[0] += each.ticks[0];
    total.ticks[1] += each.ticks[1];
  }
  return total;
}

function show(total, covered, latest) {
  const rate = SECOND / covered;
  const named = Object.fromEntries(phases.map((name, at) => [name, total.phases[at]]));
  const slept = named.sleep[0];
  const busy = total.phases.reduce((all, [nanos]) => all + nanos, 0) - slept;
  const asleep = covered > 0 ? Math.max(0, Math.min(1, 1 - busy / covered)) : 1;
  ring.update(named, busy, asleep, total.turns);
  rows(named, busy, rate);

  const calls = total.reads + total.writes + total.accepts + total.polls;
  text("n-connections", count(latest.connections));
  text("n-messages", count(total.messages * rate));
  text("n-deliveries", count(total.deliveries * rate));
  text("n-calls", total.deliveries ? (calls / total.deliveries).toFixed(2) : "–");
  text("n-bytes", total.deliveries ? bytes(total.bytesWritten / total.deliveries) : "–");
  text("n-ready", count(named.poll[2]));
  text("n-immediates", count(named.check[2]));
  text("n-pending", count(named.pending[2]));
  text("n-closing", count(named.closing[2]));
  text("n-timers", count(named.timers[2]));
  text("n-turns", count(total.turns * rate));
  text("n-ticks", count(total.ticks[0] * rate));
  text("n-syscalls", count(calls * rate));
  text("n-in", bytes(total.bytesRead * rate));
  text("n-out", bytes(total.bytesWritten * rate));
  const { delay } = latest;
  text("n-p50", duration(delay.p50));
  text("n-p99", duration(delay.p99));
  text("n-max", duration(delay.max));
  text("n-samples", count(delay.count));
  byId("ticks").textContent = total.ticks[0]
    ? `After every callback the next-tick queue runs dry: ${count(total.ticks[0] * rate)} ticks, ${duration(total.ticks[1] * rate)}.`
    : "After every callback the next-tick queue runs dry. It was empty.";
  announce(latest, total, asleep, rate);
}

function text(id, value) {
  const element = byId(id);
  if (element.textContent !== value) element.textContent = value;
}

const WORDS = {
  pending: "what was put off",
  poll: "whatever is ready",
  check: "immediates",
  closing: "close callbacks",
  timers: "timers that are due",
};
const shares = new Map();

function rows(named, busy, rate) {
  for (const [name, words] of Object.entries(WORDS)) {
    let row = shares.get(name);
    if (!row) {
      row = makeRow(name, words);
      shares.set(name, row);
    }
    const [nanos, calls] = named[name];
    row.calls.textContent = count(calls * rate);
    row.time.textContent = duration(nanos * rate);
    row.bar.setAttribute("width", String(busy ? (100 * nanos) / busy : 0));
  }
}

function makeRow(name, words) {
  const row = byId("phase-rows").insertRow();
  const head = document.createElement("th");
  head.scope = "row";
  const dot = document.createElement("span");
  dot.className = `dot of-${name}`;
  const small = document.createElement("small");
  small.textContent = words;
  head.append(dot, name[0].toUpperCase() + name.slice(1), small);
  row.append(head);
  const [calls, time, share] = [row.insertCell(), row.insertCell(), row.insertCell()];
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("class", `share of-${name}`);
  svg.setAttribute("viewBox", "0 0 100 8");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const [track, bar] = ["100", "0"].map((width) => {
    const rect = document.createElementNS(NS, "rect");
    rect.setAttribute("height", "8");
    rect.setAttribute("width", width);
    return rect;
  });
  svg.append(track, bar);
  share.append(svg);
  return { calls, time, bar };
}

/** Now and then, for those who hear the page. */
function announce(latest, total, asleep, rate) {
  const now = performance.now();
  if (now - announced < 15_000) return;
  announced = now;
  byId("summary").textContent =
    `Last second: ${count(total.turns * rate)} turns, asleep ${Math.round(asleep * 100)} percent of the time, ` +
    `${count(total.messages * rate)} messages, ${latest.connections} connections, at most ${duration(latest.delay.max)} late.`;
}

byId("block").addEventListener("click", () => {
  waitsForBlock = true;
  byId("block-note").textContent = "The loop stands still …";
  send("block");
});
byId("reset").addEventListener("click", () => send("reset"));

connect();

// One entry of the log as an element. Whatever was said is only ever inserted as text.

const LINK = /\bhttps?:\/\/[^\s<>"'`]+/giu;
const HUES = 12;
const TOGETHER = 5 * 60_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// The same colour for the same name, everywhere and always.
export function hue(nick) {
  let hash = 0x811c9dc5;
  for (const letter of nick.toLowerCase()) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193);
  return `hue-${((hash ^ (hash >>> 15)) >>> 0) % HUES}`;
}

export function avatar(nick) {
  const made = element("span", `avatar ${hue(nick)}`, [...nick][0].toUpperCase());
  made.setAttribute("aria-hidden", "true");
  return made;
}

// Text with its links. A full stop, or a bracket nobody opened, at the end belongs to the sentence.
export function linked(text) {
  const parts = document.createDocumentFragment();
  let next = 0;
  for (const match of text.matchAll(LINK)) {
    let address = match[0].replace(/[.,:;!?…]+$/u, "");
    while (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
    if (!URL.canParse(address)) continue;
    parts.append(text.slice(next, match.index));
    const link = element("a", "", address);
    link.href = address;
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    parts.append(link);
    next = match.index + address.length;
  }
  parts.append(text.slice(next));
  return parts;
}

function time(at) {
  const made = element("time", "time", clock.format(at));
  made.dateTime = new Date(at).toISOString();
  made.title = full.format(at);
  return made;
}

function nickname(nick) {
  return element("span", `nick ${hue(nick)}`, nick);
}

function privately(entry) {
  const other = entry.own ? entry.to : entry.nick;
  const badge = element("span", "badge", "private");
  const way = entry.own ? ["You to ", nickname(other)] : [nickname(other), " to you"];
  return [element("span", "nick-line", ...way, badge)];
}

export function row(entry) {
  const made = element("div", `row ${entry.kind}`);
  const text = element("span", "text", entry.isRedacted ? "taken back" : linked(entry.text));
  text.dir = "auto";
  switch (entry.kind) {
    case "message":
    case "private": {
      const head = element("div", "head");
      head.append(...(entry.kind === "private" ? privately(entry) : [nickname(entry.nick)]));
      head.append(element("span", "visually-hidden", ": "));
      made.append(avatar(entry.nick), head, text);
      break;
    }
    case "action":
      made.append(element("span", "text", nickname(entry.nick), " ", ...text.childNodes));
      break;
    case "error":
      made.append(element("span", "visually-hidden", "Error: "), text);
      break;
    default:
      made.append(text);
  }
  if (entry.at !== null && entry.kind !== "divider") made.append(time(entry.at));
  made.classList.toggle("own", Boolean(entry.own));
  made.classList.toggle("presence", Boolean(entry.isPresence));
  made.classList.toggle("table", Boolean(entry.isTable));
  made.classList.toggle("redacted", Boolean(entry.isRedacted));
  made.classList.toggle("failed", Boolean(entry.failed));
  made.classList.toggle("sending", Boolean(entry.isWaiting));
  if (entry.failed) made.append(element("span", "failure", entry.failed));
  return made;
}

// Has a row show what its entry is now, and touches nothing else: whatever is put in is read out.
export function refresh(made, entry) {
  const fresh = row(entry);
  for (const name of ["redacted", "failed", "sending"]) made.classList.toggle(name, fresh.classList.contains(name));
  for (const part of ["text", "time", "failure"]) {
    const [before, now] = [made, fresh].map((one) => one.querySelector(`:scope > .${part}`));
    if (before && now && before.textContent === now.textContent) {
      before.title = now.title;
      if (part === "time") before.dateTime = now.dateTime;
    } else if (before && now) {
      before.replaceWith(now);
    } else {
      before?.remove();
      if (now) made.append(now);
    }
  }
}

// Whether an entry goes on where the one before it has stopped, under the same name.
export function continues(entry, before) {
  if (entry.kind !== "message" || before?.kind !== "message" || entry.nick !== before.nick) return false;
  if (entry.own !== before.own || (entry.at === null) !== (before.at === null)) return false;
  return entry.at === null || entry.at - before.at < TOGETHER;
}

// The day that begins with an entry, in words, if one does. What one has come upon first is of today,
// unless it says so.
export function newDay(entry, before = { at: Date.now() }) {
  if (entry.at === null || before.at === null) return null;
  const isSame = new Date(entry.at).toDateString() === new Date(before.at).toDateString();
  return isSame ? null : day.format(entry.at);
}

// What the server sends, line by line, as events. The grammar is docs/protocol.md.

const NICK = "[^\\s:*!>,#]+";
const NICKS = `${NICK}(?:, ${NICK})*(?: and \\d+ [a-z ]+)?`;

const MESSAGE = new RegExp(`^(${NICK}): (.*)$`, "su");
const ACTION = new RegExp(`^\\*\\* (${NICK}) (.*)$`, "su");
const PRIVATE = new RegExp(`^(${NICK}) -> (${NICK}): (.*)$`, "su");
const JOINED = new RegExp(`^(${NICKS}) joined #\\S+$`, "u");
const LEFT = new RegExp(`^(${NICKS}) left #\\S+$`, "u");
const RENAMED = new RegExp(`^${NICK} is now ${NICK}(?:, ${NICK} is now ${NICK})*(?: and \\d+ [a-z ]+)?$`, "u");

// Notices that mean something to this page, each with what it is made into.
const NOTICES = [
  [/^Welcome to loopchat, (\S+)\. You are in #(\S+) with (\d+) others?\.$/, (m) => ({ kind: "welcome", nick: m[1], room: m[2] })],
  [/^Type to talk\. /, () => ({ kind: "hint" })],
  [/^The last (\d+) messages of #(\S+):$/, (m) => ({ kind: "history", room: m[2], left: Number(m[1]), lines: [] })],
  [/^Nothing has been said in #(\S+) yet\.$/, (m) => ({ kind: "history", room: m[1], left: 0, lines: [] })],
  [/^You are now in #(\S+) with \d+ others?\.$/, (m) => ({ kind: "entered", room: m[1] })],
  [/^You are now ([^\s#]+)\.$/, (m) => ({ kind: "renamed", nick: m[1] })],
  [/^You are in #(\S+) already\.$/, () => ({ kind: "stayed" })],
  [/^Topic of #(\S+): (.*)$/s, (m) => ({ kind: "topic", room: m[1], topic: m[2] })],
  [/^#(\S+) has no topic\.$/, (m) => ({ kind: "topic", room: m[1], topic: null })],
  [/^(\S+) set the topic: (.*)$/s, (m) => ({ kind: "newTopic", nick: m[1], topic: m[2] })],
  [/^In #(\S+) \((\d+)\): (.*)$/s, (m) => ({ kind: "members", room: m[1], count: Number(m[2]), nicks: names(m[3]) })],
  [/^Nobody is in #(\S+)\.$/, (m) => ({ kind: "members", room: m[1], count: 0, nicks: [] })],
  [/^What does not start with \/ is said to the room\. Commands:$/, () => ({ kind: "help" })],
  [/^ {2}(\/\S+)((?: \S+)*)\s{2,}(.*)$/, (m) => ({ kind: "command", word: m[1], usage: m[1] + m[2], purpose: m[3] })],
  [/^Bye, \S+\.$/, () => ({ kind: "bye" })],
];

function names(list) {
  return list.replace(/(^| and )\d+ [a-z ]+$/u, "").split(", ").filter(Boolean);
}

// `ann, bob and 3 others joined #tea; carl left #tea; guest7 is now dora.`
function presence(text) {
  const isExact = !/ and \d+ other/.test(text);
  const event = { kind: "presence", joined: [], left: [], renamed: [], isExact };
  for (const clause of text.replace(/\.$/, "").split("; ")) {
    const joined = JOINED.exec(clause);
    const left = LEFT.exec(clause);
    if (joined) event.joined = names(joined[1]);
    else if (left) event.left = names(left[1]);
    else if (RENAMED.test(clause)) event.renamed = names(clause).map((pair) => pair.split(" is now "));
    else return null;
  }
  return event;
}

// What was said, of a live line or one of a history block; null if the line is neither.
export function said(line) {
  const action = ACTION.exec(line);
  if (action) return { kind: "action", nick: action[1], text: action[2] };
  const message = MESSAGE.exec(line);
  return message && { kind: "message", nick: message[1], text: message[2] };
}

function notice(text) {
  for (const [pattern, event] of NOTICES) {
    const match = pattern.exec(text);
    if (match) return event(match);
  }
  return presence(text) ?? { kind: "notice" };
}

function read(line) {
  if (line.startsWith("! ")) return { kind: "error", text: line.slice(2) };
  if (line.startsWith("* ")) return { text: line.slice(2), ...notice(line.slice(2)) };
  const secret = PRIVATE.exec(line);
  if (secret) return { kind: "private", nick: secret[1], to: secret[2], text: secret[3] };
  return said(line) ?? { kind: "notice", text: line };
}

// Reads one connection: a history block may be spread over several of its messages.
export class Reader {
  #block = null;

  *receive(message) {
    if (message.startsWith("{")) {
      yield { kind: "board", rooms: JSON.parse(message).rooms };
      return;
    }
    for (const line of message.split("\n")) {
      if (this.#block) {
        this.#block.lines.push(line);
        this.#block.left -= 1;
      } else if (line !== "") {
        const event = read(line);
        if (event.kind !== "history") yield event;
        else this.#block = event;
      }
      if (this.#block?.left === 0) {
        yield this.#block;
        this.#block = null;
      }
    }
  }
}

// What the server makes of a line before anyone sees it.
export function sanitised(line) {
  return line
    .replace(/[\t\u2028\u2029]/g, " ")
    .replace(/[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, "")
    .trimEnd();
}

// The chat: joins the connection, the session and the views.

import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Drawers } from "./drawers.js";
import { Log } from "./log.js";
import { People } from "./people.js";
import { Rooms } from "./rooms.js";
import { Session } from "./session.js";
import { memory } from "./memory.js";
import { showStatus } from "./status.js";

const $ = (id) => document.getElementById(id);

// What came while nobody was looking.
let unseen = 0;

const views = {
  entered(room, transcript) {
    $("room").textContent = `#${room}`;
    log.show(transcript);
    rooms.entered(room);
    title();
  },
  topic(topic) {
    $("topic").textContent = topic ?? "";
    $("topic").title = topic ?? "";
  },
  renamed(nick) {
    $("my-name").textContent = nick;
    people.show(session.people.nicks, session.people.count, nick);
  },
  wrote(transcript, entry) {
    log.added(transcript);
    if (entry.nick === undefined) return;
    if (entry.own) return log.toEnd();
    if (!document.hidden) return;
    unseen += 1;
    title();
  },
  heard: () => rooms.heard(),
  merged: (transcript) => log.changed(transcript),
  changed: (entry, transcript) => log.refresh(entry, transcript),
  people: (nicks, count) => people.show(nicks, count, session.name),
  board: (board) => {
    rooms.update(board);
    $("rooms-unread").hidden = !rooms.hasUnread;
  },
  commands: () => composer.refresh(),
  refused: (text) => composer.complain(text),
  giveBack: (text) => composer.giveBack(text),
};

const connection = new Connection(new URL("/ws", location.href.replace(/^http/, "ws")), {
  opened: () => session.opened(),
  received: (event) => session.received(event),
  lost: () => session.lost(),
  status: showStatus,
});
const session = new Session(connection, memory, views);
const log = new Log($("scroll"), $("log"), $("to-end"), () => session.askEarlier());
const rooms = new Rooms($("room-list"), (room) => {
  drawers.close();
  if (room !== session.room) say(`/join ${room}`);
  composer.focus();
});
const people = new People($("person-list"), $("people-title"), (text) => {
  drawers.close();
  composer.begin(text);
});
const composer = new Composer({
  form: $("composer"),
  input: $("input"),
  list: $("options"),
  error: $("complaint"),
  say: (line) => session.say(line),
  known() {
    session.askCommands();
    const others = session.people.nicks.filter((nick) => nick !== session.name);
    return { commands: session.commands, nicks: [...new Set([...session.partners, ...others])], rooms: rooms.names };
  },
  scroll: (pages) => log.scrollPages(pages),
});
const drawers = new Drawers($("scrim"), [[$("show-rooms"), $("rooms")], [$("show-people"), $("people")]]);

function say(line) {
  if (!session.say(line)) composer.complain("Not connected.");
}

function title() {
  const room = session.room ? `#${session.room} · loopchat` : "loopchat";
  document.title = unseen > 0 ? `(${unseen}) ${room}` : room;
}

$("me").addEventListener("click", () => composer.begin("/nick "));
$("new-room").addEventListener("click", () => {
  drawers.close();
  composer.begin("/join ");
});
$("retry").addEventListener("click", () => {
  connection.connect();
  composer.focus();
});

// Whoever types means the input, wherever the focus is.
document.addEventListener("keydown", (event) => {
  const isText = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isTaken = event.target.closest?.("input, textarea, select, [contenteditable]") || (event.key === " " && event.target !== document.body);
  if (isText && !isTaken && !event.defaultPrevented) composer.focus();
});

// As soon as there may be a network, or somebody who looks, again.
function wake() {
  if (connection.isWaiting) connection.connect();
  else connection.probe();
}
addEventListener("online", wake);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unseen = 0;
  title();
  wake();
});
// The next page in this tab goes on with the session.
addEventListener("pagehide", () => session.keep());
// A page that comes out of the browser's cache has lost its connection, and is the next itself.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  memory.takeSession();
  wake();
});

session.takeUp();
connection.connect();

// A connection that is cut, and what one does meanwhile.

import { connected, goOnline, reads, same, settled } from "./page.mjs";
import { Wire } from "./wire.mjs";

// What Chromium says of a WebSocket that finds nobody.
export const expect = [/^console: WebSocket connection to '\S+' failed/];

export const numbered = (count, what = "line") => Array.from({ length: count }, (_, index) => `${what} ${index + 1}`);

// Many lines at once, as one pastes them.
export async function paste(page, lines) {
  await page.locator("#input").fill(lines.join("\n"));
  await page.keyboard.press("Enter");
}

// All that a member hears of what this one says, up to a line.
export async function hearsFrom(member, nick, last) {
  const heard = [];
  while (heard.at(-1) !== last) heard.push((await member.hears(new RegExp(`^${nick}: `))).slice(nick.length + 2));
  return heard;
}

// Waits until the others in the room see that somebody has left: what they are told of one who is back
// within a second is nothing.
export async function isGone(member, nick) {
  do member.say("/who");
  while ((await member.hears(/^\* In #/)).includes(nick));
}

// Back, but not yet told who it is.
export async function cutAndBack(page, gate) {
  gate.close();
  await reads(page, "#status-text", "Disconnected, trying again");
  await gate.open();
  await goOnline(page);
  await connected(page);
}

// Its session goes on: then it asks who is there.
export async function cutAndGoOn({ page, gate, wire }) {
  const before = wire.sent.length;
  await cutAndBack(page, gate);
  const asked = () => wire.sent.slice(before).findIndex(({ text }) => text === "/who");
  while (asked() === -1) await page.evaluate(() => new Promise(requestAnimationFrame));
  same(wire.sent.slice(before).filter(({ kind, text }) => kind === "resume" || text?.startsWith("/nick ")).length, 1, "how it is back");
}

export async function begin(stage, flags = []) {
  const server = await stage.server({ flags });
  const gate = await stage.gate(server);
  const wire = new Wire();
  const page = await stage.page(gate.origin, { wire, expect });
  await settled(page, "alice", "tea");
  const bob = await stage.nc(server, "/nick bob", "/join tea");
  await reads(page, "#people-title", "2 people here");
  return { server, gate, wire, page, bob };
}

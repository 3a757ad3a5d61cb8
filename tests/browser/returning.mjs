// The connection is lost, and comes back. How a session goes on in which something was on its way is in
// resuming.mjs.

import { assert, connected, dividers, goOnline, reads, said, same, sees, settled, type } from "./page.mjs";

// What Chromium says of a WebSocket that finds nobody.
const expect = [/^console: WebSocket connection to '\S+' failed/];

// A server that lets nobody go on with a session.
const anew = { flags: ["--resume-time", "0"] };

async function sameWord(stage, isAnew) {
  const server = await stage.server(isAnew ? anew : {});
  const gate = await stage.gate(server);
  const page = await stage.page(gate.origin, { expect });
  await settled(page, "alice", "tea");
  const bob = await stage.nc(server, "/nick bob", "/join tea");
  const many = async (count) => {
    for (let number = 0; number < count; number += 1) bob.say("ok");
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
  };
  await many(30);
  await sees(page, "ok", { count: 30 });
  gate.close();
  await bob.hears("* alice left #tea.");
  await many(12);
  await gate.open();
  await goOnline(page);
  await sees(page, "ok", { count: 42 });
  same(await dividers(page), isAnew ? ["Connection lost", "12 messages while you were away"] : [], "what separates");
}

export const returning = {
  async "after a loss the page is who it was, where it was, and lacks nothing"(stage) {
    const server = await stage.server();
    const gate = await stage.gate(server);
    const page = await stage.page(gate.origin, { expect });
    await settled(page, "alice", "tea");
    const bob = await stage.nc(server, "/nick bob", "/join tea");
    bob.say("before");
    await sees(page, "before");
    await type(page, "mine");
    await bob.hears("alice: mine");

    gate.close();
    await reads(page, "#status-text", "Disconnected, trying again");
    await bob.hears("* alice left #tea.");
    // What is typed now stays.
    await type(page, "typed while away");
    await reads(page, "[role=alert]", "Not connected: your line stays here until you are.");
    same(await page.inputValue("#input"), "typed while away", "the input");
    for (let number = 1; number <= 12; number += 1) bob.say(`missed ${number}`);
    bob.say("/who");
    await bob.hears(/^\* In #tea/);

    await gate.open();
    await goOnline(page);
    await connected(page);
    await sees(page, "missed 12");
    await reads(page, "#my-name", "alice");
    await reads(page, "#room", "#tea");
    same(await dividers(page), [], "what separates");
    const missed = Array.from({ length: 12 }, (_, index) => `bob: missed ${index + 1}`);
    same(await said(page), ["bob: before", "alice: mine", ...missed], "the room");
    await bob.hears(/alice joined #tea\./);
    await page.keyboard.press("Enter");
    await bob.hears("alice: typed while away");
  },

  async "a page that cannot go on with its session takes name and room again and says what was missed"(stage) {
    const server = await stage.server(anew);
    const gate = await stage.gate(server);
    const page = await stage.page(gate.origin, { expect });
    await settled(page, "alice", "tea");
    const bob = await stage.nc(server, "/nick bob", "/join tea");
    bob.say("before");
    await sees(page, "before");
    gate.close();
    await bob.hears("* alice left #tea.");
    for (let number = 1; number <= 12; number += 1) bob.say(`missed ${number}`);
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await gate.open();
    await goOnline(page);
    await sees(page, "12 messages while you were away", { within: ".row.divider" });
    same(await dividers(page), ["Connection lost", "12 messages while you were away"], "what separates");
    await reads(page, "#my-name", "alice");
    const missed = Array.from({ length: 12 }, (_, index) => `bob: missed ${index + 1}`);
    same(await said(page), ["bob: before", ...missed], "the room");
  },

  async "more than the history holds is said to be more"(stage) {
    const server = await stage.server(anew);
    const gate = await stage.gate(server);
    const page = await stage.page(gate.origin, { expect });
    await settled(page, "alice", "tea");
    const bob = await stage.nc(server, "/nick bob", "/join tea");
    bob.say("before");
    await sees(page, "before");
    gate.close();
    await bob.hears("* alice left #tea.");
    for (let number = 1; number <= 250; number += 1) bob.say(`missed ${number}`);
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await gate.open();
    await goOnline(page);
    await sees(page, "More than 200 messages while you were away", { within: ".row.divider" });
    await sees(page, "missed 250");
    const lines = await said(page);
    same([lines.length, lines[0], lines[1]], [201, "bob: before", "bob: missed 51"], "the room");
  },

  async "a server that was restarted on its port is found again"(stage) {
    const first = await stage.server();
    const page = await stage.page(first.origin, { expect });
    await settled(page, "alice", "tea");
    await type(page, "before the restart");
    await first.stop();
    await sees(page, "The server is shutting down. Goodbye.");
    await reads(page, "#status-text", "Disconnected, trying again");
    await stage.server({ line: first.line, web: first.web });
    await goOnline(page);
    await connected(page);
    await reads(page, "#my-name", "alice");
    await reads(page, "#room", "#tea");
    await sees(page, "Connected again, nothing missed", { within: ".row.divider" });
    await type(page, "after it");
    same(await said(page), ["alice: before the restart", "alice: after it"], "the room");
  },

  async "what others said after a restart is told"(stage) {
    const first = await stage.server();
    const gate = await stage.gate(first);
    const page = await stage.page(gate.origin, { expect });
    await settled(page, "alice", "tea");
    await type(page, "before the restart");
    gate.close();
    await first.stop();
    const second = await stage.server({ line: first.line, web: first.web });
    const bob = await stage.nc(second, "/nick bob", "/join tea", "one", "two", "three");
    await gate.open();
    await goOnline(page);
    await sees(page, "3 messages while you were away", { within: ".row.divider" });
    await bob.hears(/alice joined #tea\./);
    same(await said(page), ["alice: before the restart", "bob: one", "bob: two", "bob: three"], "the room");
  },

  async "the same word many times, before and after, is counted and shown as often"(stage) {
    await sameWord(stage, false);
  },

  async "so it is by the history"(stage) {
    await sameWord(stage, true);
  },
  async "after a restart the same words are others, though they have the same numbers"(stage) {
    const first = await stage.server();
    const gate = await stage.gate(first);
    const page = await stage.page(gate.origin, { expect });
    await settled(page, "alice", "tea");
    await stage.nc(first, "/nick bob", "/join tea", "ok", "ok", "ok");
    await sees(page, "ok", { count: 3 });
    gate.close();
    await first.stop();
    const second = await stage.server({ line: first.line, web: first.web });
    await stage.nc(second, "/nick bob", "/join tea", "ok", "ok");
    await gate.open();
    await goOnline(page);
    await sees(page, "2 messages while you were away", { within: ".row.divider" });
    await sees(page, "ok", { count: 5 });
  },

  async "who was kicked stays away, who was only disconnected does not"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    await settled(page, "alice", "tea");
    const op = await stage.operator(server);
    op.say("/kick alice enough");
    await sees(page, "Disconnected: you were kicked: enough", { within: ".row.error" });
    await reads(page, "#status-text", "Disconnected");
    await page.locator("#retry").click();
    await connected(page);
    // Her name is shown before the server has given it back.
    await sees(page, "Connected again, nothing missed");
    await reads(page, "#my-name", "alice");
    op.say("/ban alice 5");
    await sees(page, "Disconnected: you are banned for 5 minutes.", { within: ".row.error" });
    await reads(page, "#status-text", "Disconnected");
  },

  async "a name that is taken meanwhile is said so, and the page goes on"(stage) {
    const server = await stage.server();
    const gate = await stage.gate(server);
    const page = await stage.page(gate.origin, { expect });
    await settled(page, "alice", "tea");
    gate.close();
    await reads(page, "#status-text", "Disconnected, trying again");
    const bob = await stage.nc(server);
    // The server may not yet have noticed that alice is gone.
    for (;;) {
      bob.say("/nick alice");
      if ((await bob.hears(/^(\* You are now alice|! alice is taken)/)).startsWith("*")) break;
    }
    bob.say("/join tea");
    await gate.open();
    await goOnline(page);
    await reads(page, "#status-text", "Connected");
    await reads(page, "#room", "#tea");
    const said = page.locator("[role=alert]", { hasText: "The name alice was not to be had" });
    await said.waitFor();
    assert(/^guest\d+$/.test(await page.textContent("#my-name")), "another name");
    await type(page, "still here");
    await bob.hears(/^guest\d+: still here$/);
  },

  async "a reload keeps name and room"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    await settled(page, "alice", "tea");
    await type(page, "said before");
    await page.reload();
    await connected(page);
    await reads(page, "#my-name", "alice");
    await reads(page, "#room", "#tea");
  },

  async "who has quit stays away until it wants to come back"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    await settled(page, "alice", "tea");
    await type(page, "/quit");
    await sees(page, "Bye, alice.");
    await reads(page, "#status-text", "Disconnected");
    await page.locator("#retry").click();
    await connected(page);
    await reads(page, "#my-name", "alice");
    await reads(page, "#room", "#tea");
  },
};

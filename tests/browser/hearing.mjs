// What the server says, object by object, and what becomes of one's own lines.

import { assert, connected, failure, fails, reads, said, same, sees, type } from "./page.mjs";
import { Wire } from "./wire.mjs";

// What Chromium says of a WebSocket that finds nobody.
const expect = [/^console: WebSocket connection to '\S+' failed/];

async function named(stage, server, name, options = {}) {
  const wire = new Wire();
  const page = await stage.page(server.origin, { wire, ...options });
  await connected(page);
  await type(page, `/nick ${name}`);
  await reads(page, "#my-name", name);
  await reads(page, "#people-title", "1 person here");
  return { page, wire };
}

export const hearing = {
  async "one's own line is there at once, and goes where the room has heard it"(stage) {
    const server = await stage.server();
    const { page, wire } = await named(stage, server, "alice");
    const bob = await stage.nc(server, "/nick bob");
    wire.hold("page");
    await type(page, "mine");
    await sees(page, "mine");
    await page.locator("#input").fill("red\u202Eder");
    await page.keyboard.press("Enter");
    await sees(page, "red\u202Eder");
    bob.say("first");
    await sees(page, "first");
    const before = ["bob: first", "alice: mine", "alice: red\u202Eder"];
    same(await said(page), before, "before anybody has heard of them");
    // A screen reader reads out whatever is put in: the rows have to stay.
    await page.evaluate(() => document.querySelectorAll(".row.own").forEach((row) => (row.isKnown = true)));
    wire.release("page");
    await bob.hears("alice: mine");
    // What others read is what stands here, too.
    await sees(page, "redder");
    same(await said(page), ["bob: first", "alice: mine", "alice: redder"], "the room");
    const fresh = await page.evaluate(() => [...document.querySelectorAll(".row.own")].filter((row) => !row.isKnown).length);
    same(fresh, 0, "rows that were made anew");
    same([await failure(page, "mine"), await failure(page, "redder")], [[null], [null]], "both were heard");
  },

  async "half a character is heard as what cannot be read"(stage) {
    const server = await stage.server();
    const { page } = await named(stage, server, "alice");
    const bob = await stage.nc(server, "/nick bob");
    await page.evaluate(() => (document.getElementById("input").value = "half \ud83d"));
    await page.locator("#input").press("Enter");
    await bob.hears("alice: half \ufffd");
    await sees(page, "half \ufffd");
    same(await failure(page, "half \ufffd"), [null], "it was heard");
  },

  async "what is typed on the way to another room is in the one that has heard it"(stage) {
    const server = await stage.server();
    const { page, wire } = await named(stage, server, "alice");
    const bob = await stage.nc(server, "/nick bob", "/join tea");
    wire.hold("page");
    await type(page, "/join tea");
    await type(page, "hello");
    await sees(page, "hello");
    wire.release("page");
    await bob.hears("alice: hello");
    await reads(page, "#room", "#tea");
    await sees(page, "hello");
    await type(page, "/join lobby");
    await reads(page, "#room", "#lobby");
    await type(page, "in the lobby");
    await sees(page, "in the lobby");
    same(await said(page), ["alice: in the lobby"], "the lobby");
  },

  async "a line in which there is nothing to be seen leaves nothing"(stage) {
    const server = await stage.server();
    const { page, wire } = await named(stage, server, "alice");
    wire.hold("page");
    await page.locator("#input").fill("\u2066\u2069");
    await page.keyboard.press("Enter");
    await type(page, "after it");
    same((await said(page)).length, 2, "what waits");
    wire.release("page");
    const isGone = () => document.querySelectorAll(".message").length === 1;
    await page.waitForFunction(isGone);
    same(await said(page), ["alice: after it"], "the room");
  },

  async "what is refused is marked, the line that it was and no other"(stage) {
    const server = await stage.server({ flags: ["--max-line", "64"] });
    const { page } = await named(stage, server, "alice");
    await stage.nc(server, "/nick bob");
    await type(page, "/msg bob one");
    await type(page, "/msg nobody two");
    await type(page, "/msg bob three");
    await fails(page, "two", "not sent");
    const long = "x".repeat(100);
    await type(page, "same");
    await page.locator("#input").fill(long);
    await page.keyboard.press("Enter");
    await fails(page, long, "not sent");
    same(await page.inputValue("#input"), long, "it is given back");
    await page.locator("#input").fill("");
    await type(page, "/topic");
    await sees(page, "#lobby has no topic.");
    for (const text of ["one", "three", "same"]) same(await failure(page, text), [null], text);
  },

  async "what was on its way of a session that is over may not have arrived, and nothing else"(stage) {
    const server = await stage.server({ flags: ["--resume-time", "0"] });
    const gate = await stage.gate(server);
    const { page, wire } = await named(stage, { origin: gate.origin }, "alice", { expect });
    const bob = await stage.nc(server, "/nick bob");
    await type(page, "ok");
    await bob.hears("alice: ok");
    await sees(page, "ok");
    bob.say("heard");
    await sees(page, "heard");
    // Nothing comes back any more, and then nothing goes out.
    wire.hold("server");
    await type(page, "ok");
    await bob.hears("alice: ok");
    bob.say("between");
    await type(page, "arrived");
    await bob.hears("alice: arrived");
    wire.hold("page");
    await type(page, "ok");
    await type(page, "lost");
    await sees(page, "lost");
    gate.close();
    await fails(page, "lost", "may not have arrived");
    const unsure = "may not have arrived";
    same(await failure(page, "ok"), [null, unsure, unsure], "ok, as long as nobody knows");
    await bob.hears(/alice.* left #lobby/);
    await gate.open();
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await sees(page, "1 message while you were away", { within: ".row.divider" });
    same(await failure(page, "ok"), [null, null, unsure], "ok");
    same(await failure(page, "arrived"), [null], "arrived");
    same(await failure(page, "lost"), [unsure], "lost");
    const all = ["alice: ok", "bob: heard", "alice: ok", "alice: ok", "alice: lost", "bob: between", "alice: arrived"];
    same(await said(page), all, "the room");
  },

  async "kinds and fields that are not known do no harm"(stage) {
    const server = await stage.server();
    const { page, wire } = await named(stage, server, "alice");
    const bob = await stage.nc(server, "/nick bob");
    wire.tell({ kind: "weather", room: "lobby", text: "rain" }, { kind: "constructor", text: "rain" }, { text: "rain" });
    wire.tell({}, [], null, 7, "rain", { kind: null }, { kind: { kind: "message" } }, { kind: "done", ref: "nobody's" });
    const known = { room: "lobby", id: "00000000000000ff", number: 1_000_000, time: Date.now(), nick: "eve", account: null, origin: "0" };
    wire.tell({ kind: "message", ...known, text: "known", mood: { kind: "weather" }, reactions: ["rain"] });
    await sees(page, "known");
    bob.say("still here");
    await sees(page, "still here");
    await type(page, "me, too");
    await bob.hears("alice: me, too");
    same(await said(page), ["eve: known", "bob: still here", "alice: me, too"], "the room");
    assert(!(await page.textContent("body")).includes("rain"), "it rains");
  },

  async "what is taken back is gone, also for one who was away"(stage) {
    const server = await stage.server();
    const { page } = await named(stage, server, "alice");
    const bob = await stage.nc(server, "/nick bob");
    bob.say("kept");
    bob.say("a slip");
    await sees(page, "a slip");
    bob.say("/delete");
    await sees(page, "taken back");
    bob.say("second slip");
    bob.say("third slip");
    await sees(page, "third slip");
    await type(page, "/join tea");
    await reads(page, "#room", "#tea");
    bob.say("/delete");
    bob.say("/delete");
    bob.say("/who");
    await bob.hears(/^\* In #lobby/);
    bob.say("the end");
    bob.say("/who");
    await bob.hears(/^\* In #lobby/);
    await type(page, "my own slip");
    await type(page, "/delete");
    await sees(page, "taken back");
    await type(page, "/join lobby");
    await sees(page, "the end");
    await sees(page, "taken back", { count: 3 });
    await type(page, "/history 100");
    await sees(page, "The last 2 messages of #lobby are above.");
    same(await said(page), ["bob: kept", "bob: taken back", "bob: taken back", "bob: taken back", "bob: the end"], "the room");
    const text = await page.evaluate(() => document.documentElement.outerHTML);
    for (const gone of ["a slip", "second slip", "third slip", "my own slip"]) assert(!text.includes(gone), `${gone} is there`);
  },

  async "what one ignores is not taken for taken back"(stage) {
    const server = await stage.server();
    const { page } = await named(stage, server, "alice");
    const carol = await stage.nc(server, "/nick carol", "before bob");
    const bob = await stage.nc(server, "/nick bob", "from bob");
    carol.say("after bob");
    await sees(page, "after bob");
    await type(page, "/ignore bob");
    await type(page, "/join tea");
    await reads(page, "#room", "#tea");
    bob.say("not for alice");
    bob.say("/who");
    await bob.hears(/^\* In #lobby/);
    await type(page, "/join lobby");
    await reads(page, "#room", "#lobby");
    await type(page, "/history");
    await sees(page, "The last 2 messages of #lobby are above.");
    same(await said(page), ["carol: before bob", "bob: from bob", "carol: after bob"], "the room");
  },

  async "a room that one hears beside one's own is kept apart, and complete"(stage) {
    const server = await stage.server();
    const { page } = await named(stage, server, "alice");
    const bob = await stage.nc(server, "/nick bob", "/join tea", "before");
    await type(page, "/watch tea");
    await bob.hears(/^\* alice joined #tea/);
    bob.say("meanwhile");
    bob.say("/topic milk");
    await bob.hears("* bob set the topic: milk");
    await type(page, "in the lobby");
    await sees(page, "in the lobby");
    same(await said(page), ["alice: in the lobby"], "the lobby");
    await reads(page, "#topic", "");
    await type(page, "/join tea");
    await reads(page, "#room", "#tea");
    await reads(page, "#topic", "milk");
    await sees(page, "bob set the topic: milk");
    same(await said(page), ["bob: before", "bob: meanwhile"], "the other room");
  },

  async "who is here follows those who come and go, without an answer"(stage) {
    const server = await stage.server();
    const { page, wire } = await named(stage, server, "alice");
    const here = async (...nicks) => {
      const isSo = (nicks) => [...document.querySelectorAll("#person-list .name")].map((name) => name.textContent).join() === nicks;
      await page.waitForFunction(isSo, nicks.join());
      await reads(page, "#people-title", nicks.length === 1 ? "1 person here" : `${nicks.length} people here`);
    };
    await type(page, "/nick anne");
    await here("anne");
    // Whatever it may ask now, nobody hears it.
    wire.hold("page");
    const bob = await stage.nc(server, "/nick bob");
    await here("anne", "bob");
    const carol = await stage.nc(server, "/nick carol");
    await here("anne", "bob", "carol");
    await sees(page, "carol joined #lobby.");
    bob.say("/nick robert");
    await here("anne", "carol", "robert");
    await sees(page, "bob is now robert.");
    const op = await stage.operator(server, "/join tea");
    op.say("/kick carol enough");
    await sees(page, "carol was kicked: enough");
    await here("anne", "robert");
    await carol.hears("! Disconnected: you were kicked: enough");
    bob.say("/join tea");
    await here("anne");
    wire.release("page");
    await type(page, "all gone");
    await sees(page, "all gone");
  },

  async "a page that has slept asks whether the connection is still there"(stage) {
    const server = await stage.server();
    const { page, wire } = await named(stage, server, "alice", { expect });
    // The clock has gone on, and nothing has come meanwhile.
    const sleep = () => page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() + 3_600_000;
      dispatchEvent(new Event("online"));
    });
    await sleep();
    const pings = () => wire.sent.filter(({ kind }) => kind === "ping").length;
    while (pings() === 0) await page.evaluate(() => new Promise(requestAnimationFrame));
    await type(page, "awake");
    await sees(page, "awake");
    same(await page.textContent("#status-text"), "Connected", "the status");
    // The connection is dead, and says nothing of it.
    wire.hold("page");
    wire.hold("server");
    await sleep();
    await reads(page, "#status-text", "Disconnected, trying again");
    await connected(page);
    await reads(page, "#status-text", "Connected");
    await type(page, "as if nothing had been");
    await sees(page, "as if nothing had been");
    same(await said(page), ["alice: awake", "alice: as if nothing had been"], "the room");
  },
};

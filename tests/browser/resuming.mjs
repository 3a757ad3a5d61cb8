// A session that goes on after a cut, whatever was on its way: nothing twice, and nothing lost.

import { begin, cutAndBack, cutAndGoOn, expect, hearsFrom, isGone, numbered, paste } from "./cutting.mjs";
import { assert, connected, dividers, failure, fails, goOnline, reads, said, same, sees, type } from "./page.mjs";
import { Wire } from "./wire.mjs";

// What the server lets be on the way.
const ON_THE_WAY = 64;

export const resuming = {
  async "what was on its way when the connection was lost is said once"(stage) {
    const { gate, wire, page, bob } = await begin(stage);
    await type(page, "ok");
    await sees(page, "ok");
    bob.say("heard");
    await sees(page, "heard");
    // Nothing comes back any more, and then nothing goes out.
    wire.hold("server");
    await type(page, "ok");
    bob.say("between");
    await type(page, "/me has arrived");
    const came = [];
    while (!came.at(-1)?.startsWith("** alice")) came.push(await bob.hears(/alice/));
    wire.hold("page");
    await type(page, "ok");
    await type(page, "/me waits");
    await sees(page, "alice waits");
    gate.close();
    await reads(page, "#status-text", "Disconnected, trying again");
    same(await page.locator(".row.own.sending").count(), 4, "rows that are still being sent");
    same(await page.locator(".row.failed").count(), 0, "rows that are given up");
    await isGone(bob, "alice");
    bob.say("meanwhile");
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await gate.open();
    await goOnline(page);
    await bob.hears("** alice waits");
    await page.waitForFunction(() => document.querySelector(".row.sending") === null);
    const all = ["alice: ok", "bob: heard", "alice: ok", "bob: between", "alice has arrived", "bob: meanwhile", "alice: ok", "alice waits"];
    same((await said(page)).sort(), [...all].sort(), "all that was said");
    // Of these two nobody knows which the server read first.
    const [between, second] = ["bob: between", "alice: ok"];
    const order = await said(page);
    if (order[2] === between) order.splice(2, 2, second, between);
    same(order, all, "the room");
    same(await dividers(page), [], "what separates");
    same(await failure(page, "ok"), [null, null, null], "ok");
    bob.say("/history 20");
    await bob.hears("* The last 8 messages of #tea:");
  },

  async "whatever is cut while much is sent and others talk, all is said once and in order"(stage) {
    const { gate, page, bob } = await begin(stage, ["--flood", "off"]);
    // No more than the log shows without scrolling.
    const lines = numbered(150);
    const others = numbered(100, "other");
    await paste(page, lines);
    const heard = hearsFrom(bob, "alice", lines.at(-1));
    for (const [index, other] of others.entries()) {
      bob.say(other);
      if (index % 20 === 19) await cutAndBack(page, gate);
    }
    same(await heard, lines, "what bob has heard");
    await page.waitForFunction(() => document.querySelector(".row.sending") === null);
    await sees(page, others.at(-1));
    const all = await said(page);
    const from = (nick) => all.filter((line) => line.startsWith(`${nick}: `)).map((line) => line.slice(nick.length + 2));
    same(from("alice"), lines, "what alice has said");
    same(from("bob"), others, "what bob has said");
    same(await dividers(page), [], "what separates");
  },

  async "no more is on the way than the server remembers"(stage) {
    const { wire, page, bob } = await begin(stage, ["--flood", "off"]);
    wire.hold("server");
    const lines = numbered(150);
    await paste(page, lines);
    await bob.hears(`alice: line ${ON_THE_WAY}`);
    const sent = () => wire.sent.filter(({ client_id }) => client_id).length;
    same(sent(), ON_THE_WAY, "messages on the way");
    await type(page, "/topic comes last");
    same([sent(), wire.lines("/topic comes last")], [ON_THE_WAY, 0], "behind them");
    wire.release("server");
    await bob.hears("* alice set the topic: comes last");
    await reads(page, "#topic", "comes last");
    same(new Set(wire.sent.map(({ client_id }) => client_id)).size, 151, "ids, and none");
    same((await said(page)).slice(-150), lines.map((line) => `alice: ${line}`), "the room");
  },

  async "what was missed is all there: topics, and what was taken back"(stage) {
    const { gate, page, bob } = await begin(stage);
    bob.say("a slip");
    await sees(page, "a slip");
    gate.close();
    await isGone(bob, "alice");
    bob.say("/delete");
    bob.say("/topic milk");
    bob.say("news");
    bob.say("another slip");
    bob.say("/delete");
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await gate.open();
    await goOnline(page);
    await sees(page, "news");
    await sees(page, "bob set the topic: milk");
    await reads(page, "#topic", "milk");
    same(await said(page), ["bob: taken back", "bob: news"], "the room");
    bob.say("on we go");
    await sees(page, "on we go");
    same(await dividers(page), [], "what separates");
  },

  async "however much was missed is all there, once and in order"(stage) {
    const { gate, page, bob } = await begin(stage);
    bob.say("before");
    await sees(page, "before");
    gate.close();
    await isGone(bob, "alice");
    const lines = numbered(170, "missed");
    for (const line of lines) bob.say(line);
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await gate.open();
    await goOnline(page);
    await sees(page, lines.at(-1));
    same(await said(page), ["before", ...lines].map((line) => `bob: ${line}`), "the room");
    same(await dividers(page), [], "what separates");
  },

  async "a room that one hears beside one's own lacks nothing either"(stage) {
    const { server, gate, page, bob } = await begin(stage);
    await type(page, "/watch lobby");
    await sees(page, "You hear #lobby now, with 0 others.");
    const carol = await stage.nc(server, "/nick carol", "before");
    gate.close();
    await isGone(bob, "alice");
    carol.say("missed");
    carol.say("/who");
    await carol.hears(/^\* In #lobby/);
    await gate.open();
    await goOnline(page);
    await bob.hears(/alice joined #tea/);
    carol.say("after");
    await type(page, "/join lobby");
    await reads(page, "#room", "#lobby");
    await sees(page, "after");
    same(await said(page), ["carol: before", "carol: missed", "carol: after"], "the other room");
  },

  async "what was meant for another room is not said in this one"(stage) {
    const { gate, wire, page, bob } = await begin(stage);
    wire.hold("page");
    await type(page, "for tea");
    await type(page, "/join milk");
    await type(page, "for milk");
    await sees(page, "for milk");
    await cutAndBack(page, gate);
    await fails(page, "for milk", "may not have arrived");
    same(await failure(page, "for tea"), [null], "for tea");
    await type(page, "and on");
    same(await hearsFrom(bob, "alice", "and on"), ["for tea", "and on"], "the room");
    await reads(page, "#room", "#tea");
  },

  async "who was on the way to another room when it was cut is there, and knows what was said"(stage) {
    const { server, gate, wire, page, bob } = await begin(stage);
    const carol = await stage.nc(server, "/nick carol", "/join milk", "before");
    wire.hold("server");
    await type(page, "/join milk");
    await type(page, "for milk");
    await carol.hears("alice: for milk");
    await cutAndBack(page, gate);
    await reads(page, "#room", "#milk");
    await sees(page, "for milk");
    await sees(page, "before");
    same(await said(page), ["carol: before", "alice: for milk"], "the room");
    carol.say("after");
    await sees(page, "after");
    same([await failure(page, "for milk"), await dividers(page)], [[null], []], "it was heard");
    bob.say("still in tea");
  },

  async "a reload goes on with the session, and what it had to say"(stage) {
    const server = await stage.server();
    const gate = await stage.gate(server);
    const wire = new Wire();
    const page = await stage.page(gate.origin, { wire, expect });
    await connected(page);
    await type(page, "/join tea");
    await reads(page, "#room", "#tea");
    // Who has chosen no name has another as a newcomer.
    const name = await page.textContent("#my-name");
    assert(/^guest\d+$/.test(name), name);
    const bob = await stage.nc(server, "/nick bob", "/join tea", "before");
    await type(page, "said");
    await bob.hears(`${name}: said`);
    await sees(page, "said");
    wire.hold("server");
    await type(page, "heard by all but me");
    await bob.hears(`${name}: heard by all but me`);
    wire.hold("page");
    await type(page, "not sent yet");
    await sees(page, "not sent yet");
    bob.say("between");
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await page.reload();
    await connected(page);
    await bob.hears(`${name}: not sent yet`);
    await reads(page, "#my-name", name);
    await reads(page, "#room", "#tea");
    await page.waitForFunction(() => document.querySelectorAll(".row.message").length === 5 && document.querySelector(".row.sending") === null);
    same(await said(page), ["bob: before", `${name}: said`, `${name}: heard by all but me`, "bob: between", `${name}: not sent yet`], "the room");
    same(await dividers(page), [], "what separates");
    // And once more, with nothing on its way.
    await page.reload();
    await sees(page, "not sent yet");
    await reads(page, "#my-name", name);
    await type(page, "still here");
    await bob.hears(`${name}: still here`);
  },

  async "a tab that is a copy of another takes nothing from it"(stage) {
    const { page, bob } = await begin(stage);
    // It is made with what the tab of the first has stored.
    const opened = page.waitForEvent("popup");
    await page.evaluate(() => void open(location.href));
    const copy = await opened;
    await connected(copy);
    same(await copy.evaluate(() => sessionStorage.getItem("room")), "tea", "what it has of the first");
    await copy.locator("[role=alert]", { hasText: "The name alice was not to be had" }).waitFor();
    assert(/^guest\d+$/.test(await copy.textContent("#my-name")), "another name");
    bob.say("hello, both");
    for (const tab of [page, copy]) await sees(tab, "hello, both");
    same(await page.textContent("#status-text"), "Connected", "the first");
    await type(page, "it is still me");
    await bob.hears("alice: it is still me");
    // A reload of either goes on with its own.
    await copy.reload();
    await sees(copy, "it is still me");
    await page.reload();
    await sees(page, "hello, both");
    await reads(page, "#my-name", "alice");
    assert(/^guest\d+$/.test(await copy.textContent("#my-name")), "another name after a reload");
  },

  async "a session that goes on elsewhere ends here, and stays so"(stage) {
    const { page, bob } = await begin(stage);
    // As if the page went away, which it does not.
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide")));
    const opened = page.waitForEvent("popup");
    await page.evaluate(() => void open(location.href));
    const other = await opened;
    await reads(other, "#my-name", "alice");
    await sees(page, "Disconnected: your session goes on elsewhere.", { within: ".row.error" });
    await reads(page, "#status-text", "Disconnected");
    await goOnline(page);
    await type(other, "it is me");
    await bob.hears("alice: it is me");
    same(await page.textContent("#status-text"), "Disconnected", "the first");
    // Who wants to comes as somebody else.
    await page.locator("#retry").click();
    await page.locator("[role=alert]", { hasText: "The name alice was not to be had" }).waitFor();
    await sees(page, "it is me");
    same(await other.textContent("#status-text"), "Connected", "the other");
  },

  async "of more than is remembered the page shows what there is, and that there was more"(stage) {
    const { gate, wire, page, bob } = await begin(stage, ["--history", "3"]);
    bob.say("before");
    await sees(page, "before");
    wire.hold("page");
    await type(page, "mine");
    await sees(page, "mine");
    gate.close();
    await isGone(bob, "alice");
    for (const line of numbered(5, "missed")) bob.say(line);
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await gate.open();
    await goOnline(page);
    await bob.hears("alice: mine");
    await sees(page, "At least 3 messages while you were away", { within: ".row.divider" });
    same(await said(page), ["bob: before", "bob: missed 3", "bob: missed 4", "bob: missed 5", "alice: mine"], "the room");
    same(await dividers(page), ["At least 3 messages while you were away"], "what separates");
    same(await failure(page, "mine"), [null], "mine");
    // From there on nothing is lacking.
    gate.close();
    await isGone(bob, "alice");
    bob.say("one more");
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await gate.open();
    await goOnline(page);
    await sees(page, "one more");
    same((await dividers(page)).length, 1, "what separates");
  },

  async "of a server that was restarted while much was on its way nothing is twice"(stage) {
    const { server, gate, wire, page } = await begin(stage);
    await type(page, "before");
    await sees(page, "before");
    wire.hold("page");
    await type(page, "lost");
    await sees(page, "lost");
    gate.close();
    await server.stop();
    const second = await stage.server({ line: server.line, web: server.web });
    const bob = await stage.nc(second, "/nick bob", "/join tea", "new");
    await gate.open();
    await goOnline(page);
    await sees(page, "1 message while you were away", { within: ".row.divider" });
    await fails(page, "lost", "may not have arrived");
    await reads(page, "#my-name", "alice");
    same(await dividers(page), ["Connection lost", "1 message while you were away"], "what separates");
    same(await said(page), ["alice: before", "alice: lost", "bob: new"], "the room");
    await type(page, "again");
    same(await hearsFrom(bob, "alice", "again"), ["again"], "what bob has heard");
    // The new session goes on as the old one would have.
    await cutAndGoOn({ page, gate, wire });
    await type(page, "and on");
    await bob.hears("alice: and on");
    await sees(page, "and on");
    same((await dividers(page)).length, 2, "what separates");
  },

  async "what is lacking shows, but to whom it is no news"(stage) {
    const { wire, page, bob } = await begin(stage);
    bob.say("one");
    await sees(page, "one");
    const person = { room: "tea", time: Date.now(), nick: "eve", account: null, origin: "0" };
    const message = (number, previous, text) => ({ kind: "message", ...person, id: `e${number}`, number, previous, text });
    wire.tell(message(1_000_000, 999_999, "behind a hole"), message(1_000_007, 1_000_000, "right behind that"));
    await sees(page, "right behind that");
    same(await dividers(page), ["Something that was said here is missing"], "what separates");
    wire.tell({ kind: "skipped", count: 1, text: "1 line was skipped." }, message(1_000_020, 1_000_018, "told"));
    wire.tell(message(1_000_030, 1_000_028, "not told"));
    await sees(page, "not told");
    same((await dividers(page)).length, 2, "what separates");
    await type(page, "/ignore bob");
    await sees(page, "You hear nothing more of bob.");
    wire.tell(message(1_000_040, 1_000_038, "bob is ignored"));
    await sees(page, "bob is ignored");
    same((await dividers(page)).length, 2, "what separates");
  },

  async "who is cut off again before it knows whether its session goes on loses nothing"(stage) {
    const { gate, wire, page, bob } = await begin(stage);
    bob.say("before");
    await sees(page, "before");
    wire.holdNext("server");
    wire.hold("page");
    await type(page, "mine");
    await sees(page, "mine");
    await cutAndBack(page, gate);
    bob.say("meanwhile");
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    await cutAndGoOn({ page, gate, wire });
    await bob.hears("alice: mine");
    await page.waitForFunction(() => document.querySelector(".row.sending") === null);
    await sees(page, "meanwhile");
    await reads(page, "#room", "#tea");
    same(await said(page), ["bob: before", "bob: meanwhile", "alice: mine"], "the room");
    same(await dividers(page), [], "what separates");
    await type(page, "after");
    await bob.hears("alice: after");
  },

  async "who is cut off before it has its name and room takes them the next time"(stage) {
    const { server, gate, wire, page, bob } = await begin(stage);
    const op = await stage.operator(server);
    op.say("/kick alice");
    await reads(page, "#status-text", "Disconnected");
    wire.holdNext("page");
    const before = wire.sent.length;
    await page.locator("#retry").click();
    await connected(page);
    while (!wire.sent.slice(before).some(({ text }) => text === "/join tea")) await page.evaluate(() => new Promise(requestAnimationFrame));
    await cutAndBack(page, gate);
    await bob.hears(/alice joined #tea/);
    await reads(page, "#my-name", "alice");
    await reads(page, "#room", "#tea");
  },

  async "what was asked of the history when the connection was lost is asked again"(stage) {
    const { gate, wire, page, bob } = await begin(stage, ["--history", "3"]);
    bob.say("before");
    await sees(page, "before");
    gate.close();
    await isGone(bob, "alice");
    for (const line of numbered(5, "missed")) bob.say(line);
    bob.say("/who");
    await bob.hears(/^\* In #tea/);
    wire.holdFrom("/history 200");
    await gate.open();
    await goOnline(page);
    await connected(page);
    await bob.hears(/alice joined #tea/);
    bob.say("heard");
    await sees(page, "heard");
    same(wire.lines("/history 200") > 0, true, "it is asked for");
    await cutAndGoOn({ page, gate, wire });
    await sees(page, "missed 5");
    same(await said(page), ["bob: before", "bob: missed 4", "bob: missed 5", "bob: heard"], "the room");
  },

  async "so it is when that was what came before all"(stage) {
    const server = await stage.server();
    const gate = await stage.gate(server);
    const bob = await stage.nc(server, "/nick bob", ...numbered(40));
    const wire = new Wire();
    wire.holdFrom("/history 200");
    const page = await stage.page(gate.origin, { wire, expect });
    await sees(page, "line 40");
    while (wire.lines("/history 200") === 0) await page.evaluate(() => new Promise(requestAnimationFrame));
    await cutAndGoOn({ page, gate, wire });
    bob.say("news");
    await sees(page, "line 1");
    same(await said(page), [...numbered(40), "news"].map((line) => `bob: ${line}`), "the room");
  },
};

// What two say to each other alone: nothing of it is lost, and nothing twice, whatever is cut.

import { begin, cutAndBack, cutAndGoOn, isGone, numbered, paste } from "./cutting.mjs";
import { assert, connected, dividers, failure, fails, goOnline, reads, same, sees, type } from "./page.mjs";

// All that was said to one alone, as one reads it.
function whispers(page) {
  return page.evaluate(() => [...document.querySelectorAll(".row.private")].map((row) => {
    const nick = row.querySelector(".head .nick").textContent;
    const text = row.querySelector(".text").textContent;
    return row.classList.contains("own") ? `to ${nick}: ${text}` : `${nick}: ${text}`;
  }));
}

const nothingIsSent = (page) => page.waitForFunction(() => document.querySelector(".row.sending") === null);

// Says it to alice alone, who need not hear it yet. Then it is in the log.
async function whisper(member, ...texts) {
  for (const text of texts) member.say(`/msg alice ${text}`);
  member.say("/history 1 @alice");
  await member.hears(new RegExp(` -> alice: ${texts.at(-1)}$`));
}

// All that is remembered of what bob and alice have said to each other alone.
async function logOf(bob) {
  bob.say("/history 200 @alice");
  const head = await bob.hears(/^\* The last \d+ messages between you and alice:$/);
  const all = [];
  for (let left = Number(/\d+/.exec(head)[0]); left > 0; left -= 1) {
    const [, nick, text] = /(\S+) -> \S+: (.*)$/.exec(await bob.hears(/ -> /));
    all.push(nick === "alice" ? `to bob: ${text}` : `${nick}: ${text}`);
  }
  return all;
}

// How often one's client has said something.
const times = (wire, text) => wire.sent.filter((object) => object.text === text).length;

// An object as the server would send it, of a log that it does not have.
const told = (number, previous, text) => ({
  kind: "private", to: "alice", epoch: "00000000000000ee", id: `e${number}`, number, previous, time: Date.now(),
  nick: "eve", account: null, origin: "0", text,
});

export const alone = {
  async "what two said to each other alone when the connection was lost is said once"(stage) {
    const { gate, wire, page, bob } = await begin(stage);
    await type(page, "/msg bob one");
    await bob.hears("alice -> bob: one");
    await whisper(bob, "two");
    await sees(page, "two");
    // Nothing comes back any more, and then nothing goes out.
    wire.hold("server");
    await type(page, "/msg bob ok");
    await bob.hears("alice -> bob: ok");
    await whisper(bob, "between");
    wire.hold("page");
    await type(page, "/msg bob ok");
    await type(page, "/msg bob waits");
    await sees(page, "waits");
    gate.close();
    await reads(page, "#status-text", "Disconnected, trying again");
    same(await page.locator(".row.private.sending").count(), 3, "rows that are still being sent");
    same(await page.locator(".row.failed").count(), 0, "rows that are given up");
    await isGone(bob, "alice");
    await gate.open();
    await goOnline(page);
    await bob.hears("alice -> bob: waits");
    await nothingIsSent(page);
    const all = ["to bob: one", "bob: two", "to bob: ok", "bob: between", "to bob: ok", "to bob: waits"];
    same(await whispers(page), all, "what the two have said");
    same([await dividers(page), await failure(page, "ok")], [[], [null, null]], "nothing is lacking");
    same(await logOf(bob), all, "what bob reads");
  },

  async "whatever is cut while two say much to each other alone, all is said once and in order"(stage) {
    const { gate, page, bob } = await begin(stage, ["--flood", "off"]);
    const lines = numbered(80);
    const others = numbered(60, "other");
    await paste(page, lines.map((line) => `/msg bob ${line}`));
    // Who is cut off is nobody to whom one could say anything: that is refused.
    for (const [index, other] of others.entries()) {
      bob.say(`/msg alice ${other}`);
      if (index % 20 === 19) await cutAndBack(page, gate);
    }
    await bob.hears(`alice -> bob: ${lines.at(-1)}`);
    await nothingIsSent(page);
    await whisper(bob, "the end");
    await sees(page, "the end");
    const shown = await whispers(page);
    same(shown, await logOf(bob), "what the two have said");
    same(shown.filter((line) => line.startsWith("to bob: ")), lines.map((line) => `to bob: ${line}`), "what alice has said");
    same(await dividers(page), [], "what separates");
  },

  async "what was said to one alone while one was cut off is there, also by whom one had not spoken with"(stage) {
    const { server, gate, wire, page, bob } = await begin(stage);
    const carol = await stage.nc(server, "/nick carol");
    await whisper(bob, "before");
    await sees(page, "before");
    // The server does not know yet that nothing arrives any more.
    wire.hold("server");
    await whisper(carol, "hello", "it is me");
    await whisper(bob, "missed");
    await cutAndGoOn({ page, gate, wire });
    await sees(page, "missed");
    await sees(page, "it is me");
    const from = (all, nick) => all.filter((line) => line.startsWith(nick));
    const shown = await whispers(page);
    same(from(shown, "carol"), ["carol: hello", "carol: it is me"], "what carol has said");
    same(from(shown, "bob"), ["bob: before", "bob: missed"], "what bob has said");
    // From there on it goes on.
    await whisper(carol, "after");
    await sees(page, "after");
    await cutAndGoOn({ page, gate, wire });
    await whisper(carol, "the end");
    await sees(page, "the end");
    same([(await whispers(page)).length, await dividers(page)], [6, []], "nothing twice, and nothing lacking");
  },

  async "a reload hears what was said to one alone meanwhile, and what it had to say is said"(stage) {
    const { server, wire, page, bob } = await begin(stage);
    const carol = await stage.nc(server, "/nick carol");
    await type(page, "/msg bob said");
    await bob.hears("alice -> bob: said");
    await whisper(bob, "heard");
    await sees(page, "heard");
    wire.hold("server");
    await type(page, "/msg bob heard by all but me");
    await bob.hears("alice -> bob: heard by all but me");
    await whisper(bob, "between");
    await whisper(carol, "psst");
    wire.hold("page");
    await type(page, "/msg bob not sent yet");
    await sees(page, "not sent yet");
    await page.reload();
    await connected(page);
    await bob.hears("alice -> bob: not sent yet");
    await sees(page, "psst");
    await nothingIsSent(page);
    const all = ["carol: psst", "to bob: heard by all but me", "bob: between", "to bob: not sent yet"];
    same((await whispers(page)).sort(), [...all].sort(), "what was not there before");
    same((await whispers(page)).filter((line) => line !== all[0]), all.slice(1), "in order");
    // And once more, with nothing on its way: all that is known.
    await page.reload();
    await connected(page);
    await whisper(bob, "again");
    await sees(page, "again");
    same([await whispers(page), await dividers(page)], [["bob: again"], []], "a page that knew all");
    await type(page, "/history @bob");
    await sees(page, "The last 6 messages between you and bob are above.");
    const whole = ["to bob: said", "bob: heard", ...all.slice(1), "bob: again"];
    same(await whispers(page), whole, "what the two have said");
  },

  async "a tab that is a copy of another hears nothing that was said to that alone"(stage) {
    const { wire, page, bob } = await begin(stage);
    await whisper(bob, "secret");
    await sees(page, "secret");
    const opened = page.waitForEvent("popup");
    await page.evaluate(() => void open(location.href));
    const copy = await opened;
    await connected(copy);
    await copy.locator("[role=alert]", { hasText: "The name alice was not to be had" }).waitFor();
    await whisper(bob, "another");
    await sees(page, "another");
    bob.say("for all");
    await sees(copy, "for all");
    same([await whispers(copy), await whispers(page)], [[], ["bob: secret", "bob: another"]], "each its own");
    same(wire.sent.filter(({ kind }) => kind === "resume").length, 0, "the first has not been cut");
    // A reload of either goes on with its own, and knows up to where.
    await copy.reload();
    await connected(copy);
    await page.reload();
    await connected(page);
    await whisper(bob, "the end");
    await sees(page, "the end");
    same([await whispers(copy), await whispers(page)], [[], ["bob: the end"]], "each its own, after reloads");
  },

  async "what is for one alone is said wherever one is, also when the way to another room was lost"(stage) {
    const { gate, wire, page, bob } = await begin(stage);
    wire.hold("page");
    await type(page, "/join milk");
    await type(page, "for milk");
    await type(page, "/msg bob for you");
    await sees(page, "for you");
    await cutAndBack(page, gate);
    await fails(page, "for milk", "may not have arrived");
    await bob.hears("alice -> bob: for you");
    await nothingIsSent(page);
    await reads(page, "#room", "#tea");
    same(await failure(page, "for you"), [null], "it was heard");
  },

  async "of more than is remembered one is told, and how to see what there is"(stage) {
    const { gate, wire, page, bob } = await begin(stage, ["--history", "3"]);
    await whisper(bob, "before");
    await sees(page, "before");
    wire.hold("server");
    await whisper(bob, ...numbered(5, "missed"));
    wire.hold("page");
    await type(page, "/msg bob mine");
    await sees(page, "mine");
    await cutAndGoOn({ page, gate, wire });
    await bob.hears("alice -> bob: mine");
    await nothingIsSent(page);
    const lacking = "Something that you and bob said to each other alone may be missing: see /history @bob";
    same([await dividers(page), await whispers(page)], [[lacking], ["bob: before", "to bob: mine"]], "one is told");
    await type(page, "/history @bob");
    await sees(page, "The last 3 messages between you and bob are above.");
    same(await whispers(page), ["bob: before", "bob: missed 4", "bob: missed 5", "to bob: mine"], "what there is");
    // From there on nothing is lacking.
    wire.hold("server");
    await whisper(bob, "one more");
    await cutAndGoOn({ page, gate, wire });
    await sees(page, "one more");
    same([(await dividers(page)).length, (await whispers(page)).length], [1, 5], "what separates, and what was said");
  },

  async "what two have said to each other alone is shown where one asks for it, and is each its own"(stage) {
    const { wire, page, bob } = await begin(stage);
    await type(page, "/history @bob");
    await sees(page, "You and bob have said nothing to each other alone yet.");
    await whisper(bob, "one");
    await type(page, "/msg bob two");
    await bob.hears("alice -> bob: two");
    await type(page, "/join milk");
    await reads(page, "#room", "#milk");
    await whisper(bob, "three");
    await sees(page, "three");
    bob.say("/nick robert");
    await bob.hears("* You are now robert.");
    await type(page, "/history 10 @robert");
    await sees(page, "The last 3 messages between you and robert are above.");
    same(await whispers(page), ["bob: one", "to bob: two", "bob: three"], "as long as one has this name");
    await type(page, "/nick anne");
    await reads(page, "#my-name", "anne");
    await type(page, "/msg robert four");
    await bob.hears("anne -> robert: four");
    bob.say("/nick bob");
    await bob.hears("* You are now bob.");
    await type(page, "/join lobby");
    await reads(page, "#room", "#lobby");
    await type(page, "/history @bob");
    await sees(page, "The last 4 messages between you and bob are above.");
    same((await whispers(page)).slice(0, 3), ["bob: one", "to bob: two", "bob: three"], "with another name");
    await type(page, "/history @bob");
    await sees(page, "The last 4 messages between you and bob are above.", { count: 2 });
    same((await whispers(page)).length, 4, "each once");
    same(wire.lines("/history @bob"), 3, "how often it was asked for");
  },

  async "what is refused of what one says to one alone is marked, and not said again"(stage) {
    const { gate, wire, page, bob } = await begin(stage);
    wire.hold("page");
    for (const text of ["not kept", "too slow", "for all"]) await type(page, text === "for all" ? text : `/msg bob ${text}`);
    await type(page, "/msg bob good");
    await sees(page, "good");
    const { client_id } = wire.sent.find(({ text }) => text === "/msg bob not kept");
    assert(client_id, "it has an id");
    const late = (name) => ({ kind: "refused", code: "not_delivered", name, text: `Not delivered: ${name} reads too slowly.` });
    const done = (said) => ({ kind: "done", ref: wire.sent.find(({ text }) => text === said).ref });
    wire.tell({ kind: "refused", code: "log_unavailable", client_id, text: "It is not kept." }, done("/msg bob not kept"));
    await fails(page, "not kept", "not sent");
    wire.tell(late("bob"), done("/msg bob too slow"));
    await fails(page, "too slow", "not sent");
    // What comes so late belongs to none of these.
    wire.tell(late("carol"));
    await sees(page, "Not delivered: carol reads too slowly.", { within: ".row.error" });
    await cutAndBack(page, gate);
    await bob.hears("alice -> bob: good");
    await nothingIsSent(page);
    same([times(wire, "/msg bob not kept"), times(wire, "/msg bob too slow"), times(wire, "/msg bob good")], [1, 1, 2], "how often it is said");
    await type(page, "/msg nobody anything");
    await fails(page, "anything", "not sent");
    for (const text of ["for all", "good"]) same(await failure(page, text), [null], text);
  },

  async "what was heard of what one said to one alone is known without its coming again"(stage) {
    const { gate, wire, page } = await begin(stage);
    wire.hold("page");
    await type(page, "/msg bob mine");
    await sees(page, "mine");
    const { client_id, ref } = wire.sent.find(({ text }) => text === "/msg bob mine");
    const committed = { kind: "committed", to: "bob", epoch: "00000000000000ee", id: "e7", number: 7, previous: 0, time: Date.now(), client_id };
    wire.tell({ ...committed, text: "It was said." }, { kind: "done", ref });
    await nothingIsSent(page);
    same(await whispers(page), ["to bob: mine"], "it was heard");
    await cutAndGoOn({ page, gate, wire });
    same([times(wire, "/msg bob mine"), await failure(page, "mine")], [1, [null]], "it is not said again");
    const resume = wire.sent.findLast(({ kind }) => kind === "resume");
    same(resume.rooms.filter(({ room }) => room === undefined), [{ epoch: "00000000000000ee", last: 7 }], "up to where");
  },

  async "what lacks of what one says to one alone shows, but to whom it is no news"(stage) {
    const { wire, page } = await begin(stage);
    wire.tell(told(7, 0, "one"), told(9, 7, "two"), told(12, 10, "behind a hole"), told(15, 12, "right behind that"));
    await sees(page, "right behind that");
    const lacking = "Something that you and eve said to each other alone is missing";
    same(await dividers(page), [lacking], "what separates");
    wire.tell({ kind: "missed", count: 1, text: "1 private message was not delivered." }, told(20, 18, "told"), told(24, 22, "not told"));
    await sees(page, "not told");
    same((await dividers(page)).length, 2, "what separates");
    await type(page, "/ignore bob");
    await sees(page, "You hear nothing more of bob.");
    wire.tell(told(30, 28, "bob is ignored"));
    await sees(page, "bob is ignored");
    same((await dividers(page)).length, 2, "what separates");
  },

  async "what was heard behind a hole comes once when the hole is filled"(stage) {
    const { gate, wire, page } = await begin(stage);
    wire.tell(told(7, 0, "one"), told(12, 9, "three"));
    await sees(page, "three");
    await cutAndGoOn({ page, gate, wire });
    const resume = wire.sent.findLast(({ kind }) => kind === "resume");
    same(resume.rooms.filter(({ room }) => room === undefined), [{ epoch: "00000000000000ee", last: 7 }], "up to where");
    const backlog = { kind: "backlog", with: "eve", complete: true, epoch: "00000000000000ee", last: 15, more: false };
    wire.tell({ ...backlog, events: [told(9, 7, "two"), told(12, 9, "three"), told(15, 12, "four")] }, told(16, 15, "five"));
    await sees(page, "five");
    same(await whispers(page), ["eve: one", "eve: three", "eve: two", "eve: four", "eve: five"], "each once");
    // Nobody has what is lacking, but this page.
    wire.tell({ ...backlog, complete: false, events: [] }, told(17, 16, "six"));
    await sees(page, "six");
    same((await dividers(page)).length, 1, "what separates");
  },

  async "what one said to one alone in a session that is over may not have arrived"(stage) {
    const { server, gate, wire, page, bob } = await begin(stage);
    await type(page, "/msg bob one");
    await bob.hears("alice -> bob: one");
    await sees(page, "one");
    wire.hold("page");
    await type(page, "/msg bob lost");
    await sees(page, "lost");
    gate.close();
    await server.stop();
    const second = await stage.server({ line: server.line, web: server.web });
    const another = await stage.nc(second, "/nick bob", "/join tea");
    await gate.open();
    await goOnline(page);
    await fails(page, "lost", "may not have arrived");
    await reads(page, "#my-name", "alice");
    await type(page, "/msg bob and on");
    await another.hears("alice -> bob: and on");
    await nothingIsSent(page);
    same([times(wire, "/msg bob lost"), await failure(page, "one")], [1, [null]], "what was heard, and what not");
    // What the old session has heard is nothing to the new one.
    await cutAndGoOn({ page, gate, wire });
    same(wire.sent.findLast(({ kind }) => kind === "resume").rooms.filter(({ room }) => !room).length, 1, "logs");
    same((await whispers(page)).length, 3, "what was said");
  },

  async "of so many with whom one spoke alone the server is told those of the latest"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    const found = await page.evaluate(async () => {
      const { PrivateLogs } = await import("/private-logs.js");
      const logs = new PrivateLogs();
      const say = (epoch, number) => logs.hear({ epoch, number, id: `${epoch} ${number}`, previous: 0 }).isNew;
      for (let epoch = 0; epoch < 150; epoch += 1) say(`e${epoch}`, 1);
      say("e7", 1);
      const { positions } = logs;
      const next = new PrivateLogs();
      next.takeUp(positions);
      const isSame = JSON.stringify(next.positions) === JSON.stringify(positions);
      const again = [say("e0", 1), say("e149", 1), next.repeat({ epoch: "e149", number: 1, id: "x" })];
      return { count: positions.length, ends: [positions[0], positions.at(-1)], isSame, again };
    });
    const ends = [{ epoch: "e51", last: 1 }, { epoch: "e7", last: 1 }];
    same(found, { count: 100, ends, isSame: true, again: [false, false, false] }, "the logs");
  },
};

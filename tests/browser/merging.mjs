// How the server's history and what a page remembers become one, in the page's own module.

import { same } from "./page.mjs";

// `known` are entries of a transcript, with their numbers or, while they wait, a `?`; `|` is where the
// connection was lost and came back. `history` is what the server tells then. A message names the one
// before it: `9<4` follows 4, and 9 alone follows 8. `t 7` is no message, but has a number. Servers have
// names, so that two of them that both count from 1 have not one id in common.
const CASES = [
  { what: "earlier messages come first", known: ["3 a: z"], history: ["1 a: x", "2 a: y", "3 a: z"], all: "1 2 3" },
  { what: "skipped ones go between", known: ["1 a: 1", "4 a: 4"], history: ["1 a: 1", "2 a: 2", "3 a: 3", "4 a: 4"], all: "1 2 3 4" },
  { what: "skipped ones that nothing follows go to the end", known: ["1 a: 1"], history: ["7 a: 7", "8 a: 8"], all: "1 7 8" },
  {
    what: "the same words many times are as many messages",
    known: ["2 a: ok", "5 a: ok"],
    history: ["1 a: ok", "2 a: ok", "3 a: ok", "4 a: ok", "5 a: ok", "6 a: ok"],
    all: "1 2 3 4 5 6",
  },
  { what: "what is known already comes once", known: ["1 a: 1", "2 a: 2"], history: ["1 a: 1", "2 a: 2"], all: "1 2" },
  { what: "one's own that waits stays behind", known: ["2 a: 2", "? me: new"], history: ["1 a: 1", "2 a: 2"], all: "1 2 ?" },
  { what: "missed ones go before what is new", known: ["1 a: 1", "|", "4 b: 4"], history: ["1 a: 1", "2 a: 2", "3 a: 3", "4 b: 4"], all: "1 2 3 4", missed: 2, isExact: true, begin: 1 },
  { what: "of the same words only those that were missed count", known: ["1 a: ok", "2 a: ok", "|"], history: ["1 a: ok", "2 a: ok", "3 a: ok", "4 a: ok"], all: "1 2 3 4", missed: 2, isExact: true, begin: 2 },
  { what: "nothing missed", known: ["1 a: 1", "|"], history: ["1 a: 1"], all: "1", missed: 0, isExact: true, begin: 1 },
  { what: "nothing was ever said", known: ["|"], history: [], all: "", missed: 0, isExact: true, begin: 0, isWhole: true },
  { what: "all that was ever said was missed", known: ["|"], history: ["1 a: 1"], all: "1", missed: 1, isExact: true, begin: 0, isWhole: true },
  { what: "more than the history holds", known: ["1 a: 1", "|"], history: ["5 a: 5", "6 a: 6"], all: "1 5 6", missed: 2, isExact: false, begin: 1 },
  { what: "exactly what the history holds", known: ["4 a: 4", "|"], history: ["5 a: 5", "6 a: 6"], all: "4 5 6", missed: 2, isExact: true, begin: 1 },
  { what: "of numbers with gaps, too", known: ["4 a: 4", "|"], history: ["9<4 a: 5", "12<9 a: 6"], all: "4 9 12", missed: 2, isExact: true, begin: 1 },
  { what: "of numbers with gaps that hide one", known: ["4 a: 4", "|"], history: ["9<7 a: 5"], all: "4 9", missed: 1, isExact: false, begin: 1 },
  { what: "after what is no message", known: ["4 a: 4", "t 7", "|"], history: ["9<7 a: 5"], all: "4 9", missed: 1, isExact: true, begin: 1 },
  { what: "the same number of another server's is no such thing", known: ["4 a: 4", "|"], history: ["new 5 a: 5"], all: "4 new5", missed: 1, isExact: false, begin: 1 },
  { what: "earlier ones that were never seen are not missed", known: ["3 a: 3", "|"], history: ["1 a: 1", "2 a: 2", "3 a: 3", "4 a: 4"], all: "1 2 3 4", missed: 1, isExact: true, begin: 3 },
  {
    what: "a server that began anew has other messages under the same numbers",
    known: ["1 a: ok", "2 a: ok", "3 a: ok", "|"],
    history: ["new 1 a: ok", "new 2 a: ok"],
    all: "1 2 3 new1 new2",
    missed: 2,
    isExact: true,
    begin: 3,
    isWhole: true,
  },
  {
    what: "and after that has been left, too, it is in order",
    known: ["1 a: ok", "2 a: ok", "|", "new 2 a: ok", "|"],
    history: ["new 1 a: ok", "new 2 a: ok", "new 3 a: ok"],
    all: "1 2 new1 new2 new3",
    missed: 1,
    isExact: true,
    begin: 4,
  },
  { what: "one's own that was never heard is said to be so", known: ["1 a: 1", "? me: 2", "|"], history: ["1 a: 1", "3 b: 3"], all: "1 ?! 3", missed: 1, isExact: true, begin: 2 },
  { what: "one's own that was heard is not", known: ["1 a: 1", "? me: 2", "|"], history: ["1 a: 1", "2 me: 2", "3 b: 3"], all: "1 2 3", missed: 1, isExact: true, begin: 2 },
  { what: "it is where it was heard", known: ["1 a: 1", "? me: 3", "|"], history: ["1 a: 1", "2 b: 2", "3 me: 3", "4 b: 4"], all: "1 2 3 4", missed: 2, isExact: true, begin: 1 },
  {
    what: "of the same words twice the second was not heard",
    known: ["1 me: ok", "? me: ok", "? me: ok", "|"],
    history: ["1 me: ok", "2 me: ok"],
    all: "1 2 ?!",
    missed: 0,
    isExact: true,
    begin: 3,
  },
  {
    what: "what somebody else of that name has said is not one's own",
    known: ["1 a: 1", "? me: ok", "|"],
    history: ["1 a: 1", "2 me@elsewhere: ok"],
    all: "1 ?! 2",
    missed: 1,
    isExact: true,
    begin: 2,
  },
  {
    what: "what was taken back meanwhile is gone here, too",
    known: ["1 a: 1", "2 a: 2", "3 a: 3", "|", "5 a: 5"],
    history: ["1 a: 1", "4 a: 4", "5 a: 5"],
    all: "1 2- 3- 4 5",
    missed: 1,
    isExact: true,
    begin: 3,
  },
  {
    what: "what a history leaves out that is not for everybody is not taken back",
    known: ["1 a: 1", "2 b: 2", "3 a: 3", "|"],
    history: ["1 a: 1", "3 a: 3"],
    all: "1 2 3",
    missed: 0,
    isExact: true,
    begin: 3,
    isSelective: true,
  },
  { what: "what is older than the history is not taken back", known: ["1 a: 1", "2 a: 2", "|"], history: ["2 a: 2"], all: "1 2", missed: 0, isExact: true, begin: 2 },
];

// In the page: `|` ends a connection and begins the next.
async function merge([known, history, { isWhole, isSelective }]) {
  const { Transcript } = await import("/transcript.js");
  const entry = (line) => {
    const [, server, number, previous, nick, from, text] = /^(?:(new) )?(\d+|\?)(?:<(\d+))? (\w+)(?:@(\w+))?: (.*)$/.exec(line);
    const said = { kind: "message", nick, origin: from ?? "here", own: nick === "me" && !from, text, at: 1 };
    return number === "?" ? said : { ...said, id: (server ?? "") + number, number: Number(number), previous: Number(previous ?? number - 1) };
  };
  const transcript = new Transcript();
  const epoch = (line) => (line?.startsWith("new ") ? "new" : "old");
  transcript.position = { epoch: epoch(known[0]), last: 0 };
  const waiting = [];
  for (const [at, line] of known.entries()) {
    if (line === "|") {
      waiting.splice(0).forEach((own) => transcript.doubt(own));
      const next = known.slice(at + 1).find((line) => line !== "|") ?? history[0];
      transcript.markReturn({ epoch: epoch(next), last: entry(history.at(-1) ?? "0 a: 0").number });
    } else if (line.startsWith("?")) {
      waiting.push(entry(line));
      transcript.wait(waiting.at(-1));
    } else if (line.startsWith("t ")) {
      transcript.reach({ number: Number(line.slice(2)), previous: transcript.position.last });
    } else {
      transcript.reach(entry(line));
      transcript.append(entry(line));
    }
  }
  const messages = history.map(entry);
  const merged = known.includes("|") ? transcript.mergeMissed(messages, { isWhole, isSelective }) : transcript.merge(messages);
  const told = (entry) => (entry.id ?? "?") + (entry.failed ? "!" : "") + (entry.isRedacted ? "-" : "");
  return { all: transcript.entries.map(told).join(" "), missed: merged?.missed, isExact: merged?.isExact, begin: merged?.begin };
}

export const merging = {
  async "history is merged without doubles and without gaps"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    for (const { what, known, history, all, missed, isExact, begin, isWhole = false, isSelective = false } of CASES) {
      const found = await page.evaluate(merge, [known, history, { isWhole, isSelective }]);
      same(found, { all, missed, isExact, begin }, what);
    }
  },

  async "what is said again stands where it was heard, and what is lacking shows"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    const found = await page.evaluate(async () => {
      const { Transcript } = await import("/transcript.js");
      const heard = (number, previous) => ({ kind: "message", nick: "a", text: "", at: 1, id: `${number}`, number, previous });
      const transcript = new Transcript();
      transcript.position = { epoch: "old", last: 4 };
      const holes = [[5, 4], [9, 5], [12, 10], [13, 12]].map(([number, previous]) => {
        transcript.append(heard(number, previous));
        return transcript.reach({ number, previous });
      });
      transcript.mayLack = true;
      holes.push(transcript.reach({ number: 20, previous: 15 }), transcript.reach({ number: 25, previous: 21 }));
      // What is lacking is asked for after the next cut: all behind the first gap.
      const { last } = transcript.position;
      const own = ["said before", "said last"].map((text) => ({ kind: "message", nick: "me", text, at: 1 }));
      own.forEach((entry) => transcript.wait(entry));
      transcript.settle(own[0], { id: "7", number: 7 });
      // In another life of the log the numbers begin anew.
      transcript.position = { epoch: "new", last: 0 };
      transcript.settle(own[1], { id: "1", number: 1 });
      return { holes, last, order: transcript.entries.map(({ id }) => id).join(" ") };
    });
    same(found, { holes: [false, false, true, false, false, true], last: 9, order: "5 7 9 12 13 1" }, "the transcript");
  },
};

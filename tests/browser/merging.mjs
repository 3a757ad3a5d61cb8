// How the server's history and what a page remembers become one, in the page's own module.

import { same } from "./page.mjs";

// `known` are lines of a transcript, `|` where one went away; `history` is what the server tells.
const CASES = [
  { what: "earlier lines come first", known: ["a: 3"], history: ["a: 1", "a: 2", "a: 3"], all: "a: 1,a: 2,a: 3" },
  { what: "one's own line a place off is no second one", known: ["a: 1", "me: 2", "b: 3"], history: ["a: 1", "b: 3", "me: 2"], all: "a: 1,me: 2,b: 3" },
  { what: "skipped lines go between", known: ["a: 1", "a: 4"], history: ["a: 1", "a: 2", "a: 3", "a: 4"], all: "a: 1,a: 2,a: 3,a: 4" },
  { what: "the same words twice are two lines", known: ["a: ok"], history: ["a: ok", "a: ok"], all: "a: ok,a: ok" },
  { what: "what was missed goes before what is new", known: ["a: 1", "|", "b: 4"], history: ["a: 1", "a: 2", "a: 3", "b: 4"], all: "a: 1,a: 2,a: 3,b: 4", missed: 2, isAll: true },
  { what: "nothing missed", known: ["a: 1", "|"], history: ["a: 1"], all: "a: 1", missed: 0, isAll: true },
  { what: "an empty room has no loose end", known: ["|"], history: ["a: 1"], all: "a: 1", missed: 1, isAll: true },
  { what: "one's own line that was lost is none of theirs", known: ["a: 1", "me: 2", "|"], history: ["a: 1", "b: 3"], all: "a: 1,me: 2,b: 3", missed: 1, isAll: true },
  {
    what: "ok every day is not one conversation",
    known: ["a: ok", "a: x", "a: y", "a: z", "b: ok", "|"],
    history: ["a: ok", "c: 1", "c: 2", "c: 3", "c: 4", "b: ok", "c: 5"],
    all: "a: ok,a: x,a: y,a: z,b: ok,a: ok,c: 1,c: 2,c: 3,c: 4,b: ok,c: 5",
    missed: 7,
    isAll: false,
  },
];

export const merging = {
  async "history is merged without doubles and without gaps"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    for (const { what, known, history, all, missed, isAll } of CASES) {
      const found = await page.evaluate(async ([known, history]) => {
        const { Transcript } = await import("/transcript.js");
        const transcript = new Transcript();
        for (const line of known) {
          const [nick, text] = line.split(": ");
          if (line === "|") transcript.markReturn();
          else transcript.append({ kind: "message", nick, text, at: 1, own: nick === "me" });
        }
        const isReturn = known.includes("|");
        const merged = isReturn ? transcript.mergeMissed(history, "me", 2) : transcript.merge(history, "me");
        const all = transcript.entries.map(({ nick, text }) => `${nick}: ${text}`).join();
        return { all, missed: merged?.missed, isAll: merged?.isAll };
      }, [known, history]);
      same(found, { all, missed, isAll }, what);
    }
  },
};

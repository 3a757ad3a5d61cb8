// Ten thousand lines.

import { assert, connected, same, sees, type } from "./page.mjs";

const LINES = 10_000;
// The most that the page's window has, see log.js.
const ROWS = 600;

const rows = (page) => page.evaluate(() => document.querySelectorAll(".row").length);

export const backlog = {
  async "ten thousand lines are all there, in a bounded page that types and scrolls"(stage) {
    // Not to be left out for a page that draws slowly.
    const server = await stage.server({ flags: ["--outbox-soft", "16777216", "--outbox-hard", "33554432"] });
    const page = await stage.page(server.origin);
    await connected(page);
    const bob = await stage.nc(server, "/nick bob");
    for (let number = 1; number <= LINES; number += 1) bob.say(`line ${number}`);
    await sees(page, `line ${LINES}`);
    assert((await rows(page)) <= ROWS, `${await rows(page)} rows`);
    const last = await page.evaluate(() => [...document.querySelectorAll(".message .text")].slice(-150).map((row) => row.textContent));
    same(last, Array.from({ length: 150 }, (_, index) => `line ${LINES - 149 + index}`), "the last 150");
    const isAtEnd = () => page.evaluate(() => {
      const { scrollTop, scrollHeight, clientHeight } = document.querySelector("#scroll");
      return scrollHeight - scrollTop - clientHeight < 2;
    });
    assert(await isAtEnd(), "the log is at its end");
    await type(page, "still typing");
    await bob.hears(/: still typing$/);
    await sees(page, "still typing");

    // All the way up: every line once, in order.
    const order = await page.evaluate(async () => {
      const box = document.querySelector("#scroll");
      const frame = () => new Promise(requestAnimationFrame);
      const numbers = () => [...document.querySelectorAll(".message .text")]
        .map((text) => /^line (\d+)$/.exec(text.textContent)?.[1]).filter(Boolean).map(Number);
      let most = 0;
      for (let left = 1000; left > 0; left -= 1) {
        const shown = numbers();
        most = Math.max(most, document.querySelectorAll(".row").length);
        const at = shown.findIndex((number, index) => index > 0 && number !== shown[index - 1] + 1);
        if (at !== -1) return `${shown[at - 1]} is followed by ${shown[at]}`;
        if (shown[0] === 1) return most;
        box.scrollTop = 0;
        await frame();
        await frame();
      }
      return "the first line never came";
    });
    assert(typeof order === "number" && order <= ROWS, `on the way up: ${order}`);

    // Whoever reads up there is not moved by what comes in below.
    await page.evaluate(() => (document.querySelector("#scroll").scrollTop = 4000));
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const place = () => page.evaluate(() => {
      const box = document.querySelector("#scroll").getBoundingClientRect();
      return document.elementFromPoint(box.left + box.width / 2, box.top + 60).closest(".row")?.querySelector(".text").textContent;
    });
    const before = await place();
    bob.say("news");
    await page.locator("#to-end", { hasText: "1 new" }).waitFor();
    same(await place(), before, "the line one reads");
    await page.locator("#to-end").click();
    await sees(page, "news");
    assert(await isAtEnd(), "back at the end");
  },

  async "what was said before one came is there when one scrolls up, once"(stage) {
    const server = await stage.server();
    const bob = await stage.nc(server, "/nick bob");
    for (let number = 1; number <= 150; number += 1) bob.say(`line ${number}`);
    bob.say("/who");
    await bob.hears(/^\* In #/);
    const page = await stage.page(server.origin);
    await connected(page);
    await sees(page, "line 150");
    await page.evaluate(() => (document.querySelector("#scroll").scrollTop = 0));
    await sees(page, "line 1");
    await type(page, "/history 50");
    await sees(page, "The last 50 messages of #lobby are above.");
    const shown = await page.evaluate(() => [...document.querySelectorAll(".message .text")].map((text) => text.textContent));
    same(shown, Array.from({ length: 150 }, (_, index) => `line ${index + 1}`), "the room");
  },
};

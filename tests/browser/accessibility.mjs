// axe-core on every page, in both themes and on a phone; and the chat with the keyboard alone.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { assert, connected, reads, same, sees, type } from "./page.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function mustBeAccessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = grave.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
  assert(grave.length === 0, `${what}:\n${told.join("\n")}`);
}

async function lived(stage, server, options) {
  const page = await stage.page(server.origin, options);
  await connected(page);
  const bob = await stage.nc(server, "/nick bob");
  bob.say("hello, see https://example.org/");
  bob.say("/me waves");
  await sees(page, "bob waves");
  await reads(page, "#people-title", "2 people here");
  await type(page, "/nick bob");
  await sees(page, "bob is taken; try bob2.");
  await type(page, "/msg bob psst");
  await type(page, "/topic of the day");
  await reads(page, "#topic", "of the day");
  return page;
}

export const accessibility = {
  async "the chat has no serious finding in the light"(stage) {
    const page = await lived(stage, await stage.server(), { colorScheme: "light" });
    await mustBeAccessible(page, "light");
    await page.keyboard.type("/");
    await page.locator("[role=option]").first().waitFor();
    await mustBeAccessible(page, "with completions");
  },

  async "the chat has no serious finding in the dark and on a phone"(stage) {
    const page = await lived(stage, await stage.server(), { colorScheme: "dark", viewport: { width: 380, height: 700 } });
    await mustBeAccessible(page, "dark");
    await page.locator("#show-rooms").click();
    await page.waitForFunction(() => document.querySelector("#rooms").getBoundingClientRect().left === 0);
    await mustBeAccessible(page, "with the rooms open");
    same(await page.evaluate(() => document.activeElement.closest("#rooms") !== null), true, "focus in the drawer");
    await page.keyboard.press("Escape");
    same(await page.evaluate(() => document.activeElement.id), "show-rooms", "focus after Escape");
    const widest = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(widest <= 380, `the page is ${widest} wide`);
  },

  async "nothing in the bar lies over another, at any width"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    await connected(page);
    for (const width of [320, 360, 384, 400, 480, 640, 800, 1100]) {
      await page.setViewportSize({ width, height: 700 });
      const over = await page.evaluate(() => {
        const parts = [...document.querySelectorAll(".bar a, .bar button, .bar .brand-name, #status-text")];
        const shown = parts.map((part) => [part.textContent.trim() || part.id, part.getBoundingClientRect()]).filter(([, box]) => box.width > 1);
        const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
        return shown.flatMap(([name, box], at) => shown.slice(at + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${name} and ${other}`));
      });
      same(over.filter((pair) => !pair.startsWith("loopchat and loopchat")), [], `at ${width}`);
    }
  },

  async "the button for dark and light is remembered"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin, { colorScheme: "light" });
    const shade = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
    await page.locator("#theme").click();
    same(await shade(), "dark", "after the click");
    await page.reload();
    same([await shade(), await page.getAttribute("#theme", "aria-pressed")], ["dark", "true"], "after a reload");
  },

  async "the documentation has no serious finding"(stage) {
    const server = await stage.server();
    // A page of prose, one of wide code, one of wide tables.
    for (const at of ["/docs/", "/docs/course/04-one-turn.md", "/docs/operating.md"]) {
      for (const [colorScheme, width] of [["light", 1100], ["dark", 390]]) {
        const page = await stage.page(server.origin, { at, colorScheme, viewport: { width, height: 720 } });
        await mustBeAccessible(page, `${at}, ${colorScheme}, ${width} wide`);
      }
    }
  },
};

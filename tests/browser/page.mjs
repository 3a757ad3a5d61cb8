// What one does on the chat page, and what one sees there.

import { PATIENCE } from "./stage.mjs";

export function assert(holds, what) {
  if (!holds) throw new Error(what);
}

export function same(found, wanted, what) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)];
  assert(one === other, `${what}: ${one}, not ${other}`);
}

export async function type(page, line) {
  await page.keyboard.type(line);
  await page.keyboard.press("Enter");
}

// Waits until a row of the log has this text, and how many have.
export async function sees(page, text, { within = ".row", count = 1 } = {}) {
  const isThere = ([within, text, count]) => {
    const rows = [...document.querySelectorAll(within)];
    const fit = rows.filter((row) => [...row.querySelectorAll(".text")].some((part) => part.textContent === text));
    return fit.length === count;
  };
  await page.waitForFunction(isThere, [within, text, count], { timeout: PATIENCE }).catch((error) => {
    throw new Error(`not ${count} x in the log: ${text} (${error.message.split("\n")[0]})`);
  });
}

// Waits until an element has a text.
export async function reads(page, selector, text) {
  const has = ([selector, text]) => document.querySelector(selector)?.textContent === text;
  await page.waitForFunction(has, [selector, text], { timeout: PATIENCE }).catch(async () => {
    const found = await page.evaluate((selector) => document.querySelector(selector)?.textContent, selector);
    throw new Error(`${selector} reads ${JSON.stringify(found)}, not ${JSON.stringify(text)}`);
  });
}

export async function connected(page) {
  await reads(page, "#status-text", "Connected");
  await page.waitForFunction(() => document.querySelector("#my-name").textContent !== "…");
}

// What one's own line says of not having been heard, if it does.
export function failure(page, text) {
  return page.evaluate((text) => {
    const own = [...document.querySelectorAll(".row.own")].filter((row) => row.querySelector(".text").textContent === text);
    return own.map((row) => row.querySelector(".failure")?.textContent ?? null);
  }, text);
}

export async function fails(page, text, why) {
  const isSaid = ([text, why]) => [...document.querySelectorAll(".row.own.failed")]
    .some((row) => row.querySelector(".text").textContent === text && row.querySelector(".failure").textContent === why);
  await page.waitForFunction(isSaid, [text, why], { timeout: PATIENCE }).catch(() => {
    throw new Error(`not marked as "${why}": ${text}`);
  });
}

// Everything that was said, as one reads it.
export function said(page) {
  return page.evaluate(() => [...document.querySelectorAll(".message, .action")].map((row) => {
    const text = row.querySelector(".text").textContent;
    const nick = row.querySelector(".head .nick")?.textContent;
    return nick ? `${nick}: ${text}` : text;
  }));
}

// What stands between what was said.
export function dividers(page) {
  return page.evaluate(() => [...document.querySelectorAll(".row.divider .text")].map((text) => text.textContent));
}

// Waits until a page that is new has this name, and is in this room.
export async function settled(page, name, room) {
  await connected(page);
  await type(page, `/nick ${name}`);
  await reads(page, "#my-name", name);
  await type(page, `/join ${room}`);
  await reads(page, "#room", `#${room}`);
}

// Whoever waits to try again tries now.
export const goOnline = (page) => page.evaluate(() => dispatchEvent(new Event("online")));

// The pages in a real browser, as people use them: Chromium, headless, against the server itself, with
// `nc` for the others in the room.
//
//     cargo build --release && npm install --no-package-lock --prefix tests/browser
//     node tests/browser/run.mjs [WORDS]
//
// With words, only the cases whose name has them. LOOPCHAT names the server's binary, CHROMIUM the
// browser's, LOOPCHAT_PAGES a folder to take scripts and styles from instead of from the binary.
// Every case has a server and a browser's profile of its own; at its end there must have been no error on
// the console and no request to anywhere else.

import { chromium } from "playwright-core";

import { accessibility } from "./accessibility.mjs";
import { backlog } from "./backlog.mjs";
import { chat } from "./chat.mjs";
import { hearing } from "./hearing.mjs";
import { loop } from "./loop.mjs";
import { merging } from "./merging.mjs";
import { alone } from "./private.mjs";
import { resuming } from "./resuming.mjs";
import { returning } from "./returning.mjs";
import { Stage } from "./stage.mjs";

const CASE_TIMEOUT = 90_000;
const wanted = process.argv.slice(2).join(" ").toLowerCase();
const cases = Object.entries({ ...chat, ...hearing, ...returning, ...resuming, ...alone, ...merging, ...backlog, ...loop, ...accessibility });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
let failed = 0;
for (const [name, run] of cases) {
  if (!name.toLowerCase().includes(wanted)) continue;
  const began = Date.now();
  const stage = new Stage(browser);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${CASE_TIMEOUT / 1000} s`)), CASE_TIMEOUT);
  });
  try {
    await Promise.race([run(stage), late]);
    stage.mustBeClean();
    console.log(`ok      ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
    await stage.describe();
  } finally {
    clearTimeout(timer);
    await stage.clear();
  }
}
await browser.close();
console.log(failed === 0 ? "all held" : `${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

// The loop's page: it draws, and what it shows follows what the server does.

import { mustBeAccessible } from "./accessibility.mjs";
import { reads } from "./page.mjs";

const number = (page, id, isMet) => page.waitForFunction(([id, isMet]) => {
  const text = document.getElementById(id).textContent;
  const value = parseFloat(text.replaceAll(/[,\s]/g, ""));
  return isMet === "above" ? value > 0 : value === 0;
}, [id, isMet]);

export const loop = {
  async "the loop's page draws, and its numbers move under load"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin, { at: "/loop" });
    await reads(page, "#status-text", "Live");
    await number(page, "n-messages", "zero");
    const isDrawn = () => {
      const strip = document.getElementById("strip");
      const { data } = strip.getContext("2d").getImageData(0, 0, strip.width, strip.height);
      return new Set(new Uint32Array(data.buffer)).size > 1;
    };
    await page.waitForFunction(isDrawn);
    await page.waitForFunction(() => document.querySelector("#ring svg, #ring canvas") !== null);
    const [bob] = [await stage.nc(server), await stage.nc(server)];
    const load = setInterval(() => bob.say("load"), 20);
    try {
      for (const id of ["n-messages", "n-deliveries", "n-calls", "n-turns"]) await number(page, id, "above");
    } finally {
      clearInterval(load);
    }
    await number(page, "n-messages", "zero");
  },

  async "the loop's page has no serious finding"(stage) {
    const server = await stage.server();
    for (const colorScheme of ["light", "dark"]) {
      const page = await stage.page(server.origin, { at: "/loop", colorScheme });
      await reads(page, "#status-text", "Live");
      await mustBeAccessible(page, `/loop, ${colorScheme}`);
    }
  },
};

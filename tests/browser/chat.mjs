// A room with people at pages and people at `nc`.

import { assert, connected, reads, said, same, sees, type } from "./page.mjs";

export const chat = {
  async "two pages and nc in one room hear each other"(stage) {
    const server = await stage.server();
    const carol = await stage.nc(server, "/nick carol");
    const alice = await stage.page(server.origin);
    const bob = await stage.page(server.origin);
    for (const [page, name] of [[alice, "alice"], [bob, "bob"]]) {
      await connected(page);
      await type(page, `/nick ${name}`);
      await reads(page, "#my-name", name);
    }
    await reads(alice, "#people-title", "3 people here");
    await reads(bob, "#people-title", "3 people here");

    await type(alice, "from alice");
    await sees(bob, "from alice");
    await carol.hears("alice: from alice");
    carol.say("from carol");
    await sees(alice, "from carol");
    await type(bob, "/me waves");
    await carol.hears("** bob waves");
    await sees(alice, "bob waves");
    await sees(bob, "from carol");
    same(await said(alice), ["alice: from alice", "carol: from carol", "bob waves"], "what alice sees");

    carol.say("/msg alice psst");
    await sees(alice, "psst", { within: ".row.private" });
    await type(alice, "/msg carol yes?");
    await carol.hears("alice -> carol: yes?");
    await type(bob, "/topic tea at five");
    await reads(alice, "#topic", "tea at five");
    assert(!(await said(bob)).some((line) => line.includes("psst")), "bob has heard a secret");
  },

  async "a name that is taken is said next to the input and in the log"(stage) {
    const server = await stage.server();
    await stage.nc(server, "/nick carol");
    const page = await stage.page(server.origin);
    await connected(page);
    await type(page, "/nick carol");
    await reads(page, "[role=alert]", "carol is taken; try carol2.");
    await sees(page, "carol is taken; try carol2.", { within: ".row.error" });
    await type(page, "/nick carol2");
    await reads(page, "#my-name", "carol2");
    await reads(page, "[role=alert]", "");
  },

  async "markup, escapes and marks of direction are text"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    await connected(page);
    const mallory = await stage.nc(server, "/nick mallory");
    const script = "<script>document.title='owned'</script><img src=x onerror=alert(1)>";
    mallory.say(script);
    await sees(page, script);
    mallory.say("\x1b[31mred\x07\u202Eder");
    await sees(page, "[31mredder");
    mallory.say("/topic <b>bold</b>");
    await reads(page, "#topic", "<b>bold</b>");
    await type(page, script);
    await sees(page, script, { count: 2 });
    mallory.say("javascript:alert(1) and https://example.org/a?b=(c). Not http://");
    await sees(page, "javascript:alert(1) and https://example.org/a?b=(c). Not http://");
    const links = await page.evaluate(() => [...document.querySelectorAll(".log a")].map((a) => [a.href, a.target, a.rel]));
    same(links, [["https://example.org/a?b=(c)", "_blank", "noopener noreferrer nofollow"]], "links");
    const made = await page.evaluate(() => document.querySelectorAll(".log :is(script, img, b)").length);
    same(made, 0, "elements made of text");
    assert(!(await page.title()).includes("owned"), "a script ran");
  },

  async "rooms show who is there and what one has not read"(stage) {
    const server = await stage.server();
    const page = await stage.page(server.origin);
    await connected(page);
    const dora = await stage.nc(server, "/nick dora", "/join tea");
    await page.locator("#room-list button", { hasText: "tea" }).waitFor();
    dora.say("one");
    dora.say("two");
    await reads(page, "[data-room=tea] .unread-count", "2");
    await page.locator("#room-list button", { hasText: "tea" }).click();
    await reads(page, "#room", "#tea");
    await sees(page, "two");
    await reads(page, "#people-title", "2 people here");
    const isOpen = await page.evaluate(() => document.activeElement.id);
    same(isOpen, "input", "focus after a room was chosen");
    await type(page, "/join lobby");
    await reads(page, "#room", "#lobby");
    dora.say("three");
    await reads(page, "[data-room=tea] .unread-count", "1");
    await type(page, "/join tea");
    await sees(page, "1 message while you were away", { within: ".row.divider" });
    same(await said(page), ["dora: one", "dora: two", "dora: three"], "the room after coming back");
  },

  async "commands, names and rooms are completed, and lines recalled"(stage) {
    const server = await stage.server();
    await stage.nc(server, "/nick carol");
    await stage.nc(server, "/nick dora", "/join teahouse");
    const page = await stage.page(server.origin);
    await connected(page);
    await page.locator("[data-room=teahouse]").waitFor();
    await reads(page, "#people-title", "2 people here");
    const value = () => page.inputValue("#input");

    await page.keyboard.type("/ni");
    await page.locator("[role=option]", { hasText: "/nick NAME" }).waitFor();
    await page.keyboard.press("Enter");
    same(await value(), "/nick ", "the command");
    await type(page, "bea");
    await reads(page, "#my-name", "bea");
    await page.keyboard.type("/join te");
    await page.locator("[role=option]", { hasText: "#teahouse" }).waitFor();
    await page.keyboard.press("Tab");
    same(await value(), "/join teahouse", "the room");
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type("ca");
    await page.keyboard.press("Tab");
    same(await value(), "carol: ", "the name");
    await type(page, "hello");
    await sees(page, "carol: hello");
    await page.keyboard.press("ArrowUp");
    same(await value(), "carol: hello", "the last line");
    await page.keyboard.press("ArrowUp");
    same(await value(), "/nick bea", "the one before");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    same(await value(), "", "what was being typed");
    // With nothing to complete, Tab goes on to the next control.
    await page.keyboard.press("Tab");
    same(await page.evaluate(() => document.activeElement.id), "send", "focus after Tab");
    await page.keyboard.type("typing goes to the input");
    same(await value(), "typing goes to the input", "the input");
  },
};

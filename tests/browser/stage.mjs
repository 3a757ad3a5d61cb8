// What a case needs: servers, members at `nc`, pages, and the account of what the pages did.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

// For whatever has to happen at all: a slow machine is no failure.
export const PATIENCE = 30_000;

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
const BINARY = process.env.LOOPCHAT ?? path.join(TARGET, "release/loopchat");
const PAGES = process.env.LOOPCHAT_PAGES;

// The server's answer with the body of a file: to try a change without a build. Not for a page itself,
// which would no longer count as one of this machine, and may then open no WebSocket to it.
async function fromFolder(route) {
  const file = path.basename(new URL(route.request().url()).pathname);
  const body = await readFile(path.join(PAGES, file)).catch(() => null);
  const response = body && (await route.fetch());
  await (body ? route.fulfill({ response, body }) : route.continue());
}

export class Stage {
  #browser;
  #contexts = [];
  #processes = [];
  #gates = [];
  #folders = [];
  #pages = [];
  #complaints = [];

  constructor(browser) {
    this.#browser = browser;
  }

  // Starts a server; `line` and `web` are ports, 0 takes free ones. Operators come through `socket`.
  async server({ line = 0, web = 0, flags = [] } = {}) {
    const folder = await mkdtemp(path.join(os.tmpdir(), "loopchat-"));
    this.#folders.push(folder);
    const socket = path.join(folder, "chat.sock");
    const listen = ["--listen", `127.0.0.1:${line},${socket}`, "--web", `127.0.0.1:${web}`, "--store", "memory", ...flags];
    const child = this.#spawn(BINARY, listen, { RUST_LOG: "info", LOOPCHAT_STORE: "memory" });
    const log = new Lines(child.stderr);
    child.on("exit", (code) => code && this.#complaints.push(`the server ended with ${code}`));
    const ports = [];
    while (ports.length < 2) {
      const found = /(?:listening on |http:\/\/)127\.0\.0\.1:(\d+)/.exec(await log.next("the server's ports"));
      if (found) ports.push(Number(found[1]));
    }
    const stop = async () => {
      child.kill("SIGTERM");
      if (child.exitCode === null) await once(child, "exit");
    };
    return { line: ports[0], web: ports[1], socket, origin: `http://127.0.0.1:${ports[1]}`, stop };
  }

  // A member at `nc`: what it reads comes line by line.
  nc(server, ...lines) {
    return this.#member(["127.0.0.1", String(server.line)], lines);
  }

  operator(server, ...lines) {
    return this.#member(["-U", server.socket], lines);
  }

  async #member(address, lines) {
    const child = this.#spawn("nc", address);
    const read = new Lines(child.stdout);
    const member = {
      say: (line) => child.stdin.write(`${line}\n`),
      // Reads on to the line that is this one, or matches.
      async hears(wanted) {
        for (;;) {
          const line = await read.next(wanted);
          if (wanted instanceof RegExp ? wanted.test(line) : line === wanted) return line;
        }
      },
    };
    await member.hears(/^\* Type to talk/);
    for (const line of lines) member.say(line);
    // An answer says that all before it has been done.
    member.say("/who");
    await member.hears(/^\* In #/);
    return member;
  }

  // A way to a web door that can be cut and mended: for the page it is the server's own address.
  async gate(server) {
    const gate = new Gate(server.web);
    this.#gates.push(gate);
    await gate.open();
    return gate;
  }

  // A page of a browser that has not been here before, with a hand on its connection if one is given.
  async page(origin, { at = "/", expect = [], wire = null, ...options } = {}) {
    const context = await this.#browser.newContext({ viewport: { width: 1100, height: 720 }, ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    this.#pages.push(page);
    const complain = (what) => {
      if (!expect.some((pattern) => pattern.test(what))) this.#complaints.push(what);
    };
    page.on("console", (message) => message.type() === "error" && complain(`console: ${message.text()}`));
    page.on("pageerror", (error) => complain(`uncaught: ${error.message}`));
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.origin !== origin && url.protocol !== "data:") complain(`request to ${url}`);
    });
    page.on("websocket", (socket) => {
      if (new URL(socket.url()).host !== new URL(origin).host) complain(`WebSocket to ${socket.url()}`);
    });
    await wire?.join(page);
    if (PAGES) await page.route(/\.(css|js)$/, fromFolder);
    const answer = await page.goto(origin + at);
    if (answer.status() !== 200) throw new Error(`${at}: ${answer.status()}`);
    return page;
  }

  mustBeClean() {
    if (this.#complaints.length > 0) throw new Error(this.#complaints.join("\n"));
  }

  // What there is to see when a case has failed.
  async describe() {
    for (const [index, page] of this.#pages.entries()) {
      const text = await page.evaluate(() => document.body.innerText.slice(-2000)).catch(() => "(gone)");
      console.log(`--- page ${index + 1}: ${page.url()}\n${text}`);
    }
    console.log(this.#complaints.join("\n"));
  }

  async clear() {
    for (const context of this.#contexts) await context.close();
    for (const gate of this.#gates) gate.close();
    for (const child of this.#processes) child.kill("SIGKILL");
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }

  #spawn(program, args, env = {}) {
    const child = spawn(program, args, { env: { ...process.env, ...env } });
    child.on("error", (error) => this.#complaints.push(`${program}: ${error.message}`));
    child.stdin.on("error", () => {});
    this.#processes.push(child);
    return child;
  }
}

// A stream's lines, to be waited for one after the other.
class Lines {
  #ready = [];
  #isOver = false;
  #wake = () => {};

  constructor(stream) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      this.#ready.push(...lines);
      this.#wake();
    });
    stream.on("close", () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  async next(wanted) {
    if (this.#ready.length === 0 && !this.#isOver) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, PATIENCE);
        this.#wake = () => resolve(clearTimeout(timer));
      });
    }
    if (this.#ready.length === 0) throw new Error(`never came: ${wanted}`);
    return this.#ready.shift();
  }
}

class Gate {
  #target;
  #server = null;
  #sockets = new Set();
  port = 0;

  constructor(target) {
    this.#target = target;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  async open() {
    this.#server = net.createServer((near) => {
      const far = net.connect(this.#target, "127.0.0.1");
      for (const [from, to] of [[near, far], [far, near]]) {
        this.#sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => this.#sockets.delete(from) && to.destroy());
        from.pipe(to);
      }
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = this.#server.address().port;
  }

  // All that pass are cut off, and nobody gets through.
  close() {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
  }
}

// What a line is that somebody has typed, before the server has heard it.

/** What one says by typing this, as an entry of the log; null if it is only a command, or nothing. */
export function said(typed) {
  const text = typed.trimEnd();
  if (text === "") return null;
  if (!text.startsWith("/")) return { kind: "message", text };
  if (text.startsWith("//")) return { kind: "message", text: text.slice(1) };
  const { word, rest } = command(text);
  if (word === "me") return rest ? { kind: "action", text: rest } : null;
  const [, to, secret] = (word === "msg" && /^(\S+)\s+(.+)$/su.exec(rest)) || [];
  return secret ? { kind: "private", to, text: secret } : null;
}

/** The word of a command, in small letters and without its slash, and what follows it. */
export function command(typed) {
  const [, word, rest] = /^\/(\S*)\s*(.*)$/su.exec(typed) ?? ["", "", ""];
  return { word: word.toLowerCase(), rest };
}

/**
 * The room that a command goes to, in small letters, as a name that somebody has typed; null if only
 * the server knows, undefined if it goes nowhere.
 */
export function destination(typed) {
  const { word, rest } = command(typed);
  if (word === "part") return null;
  return word === "join" ? rest.split(/\s/u, 1)[0].replace(/^#/u, "").toLowerCase() : undefined;
}

/** An id for what one says, that nobody else gives. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

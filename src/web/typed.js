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

// Who comes, goes and has another name: in words, and in the list of who is here.

// How many names a notice has of each kind.
const NAMED = 3;

// What an operator does to somebody; all other ways to leave read the same.
const SENT_AWAY = ["kicked", "banned"];

/** What a `presence` says, in a sentence. */
export function sentence({ room, joined, left, renamed, joined_count, left_count, renamed_count }) {
  const others = ["other", "others"];
  const [first] = left;
  if (SENT_AWAY.includes(first?.reason)) {
    // Those have a notice of their own, and one reason.
    const ending = first.text ? `: ${first.text}` : ".";
    return `${list(left.map(nick), left_count, others)} ${left_count === 1 ? "was" : "were"} ${first.reason}${ending}`;
  }
  const clauses = [
    [joined.map(nick), joined_count, others, ` joined #${room}`],
    [left.map(nick), left_count, others, ` left #${room}`],
    [renamed.map(({ before, nick }) => `${before} is now ${nick}`), renamed_count, ["other has a new name", "others have new names"], ""],
  ];
  const said = clauses.filter(([, count]) => count > 0).map(([names, count, rest, verb]) => list(names, count, rest) + verb);
  return `${said.join("; ")}.`;
}

/**
 * Who is here after a `presence`: `nicks`, of `count` in all. Whoever was asked for since it began
 * may be in the list already, or gone from it.
 */
export function after({ nicks, count }, { joined, left, renamed, joined_count, left_count }) {
  const gone = new Set([...left.map(nick), ...renamed.map(({ before }) => before)]);
  const come = [...joined, ...renamed].map(nick);
  const here = [...new Set([...nicks.filter((name) => !gone.has(name)), ...come])];
  const isWhole = nicks.length === count && joined.length === joined_count && left.length === left_count;
  return { nicks: here, count: isWhole ? here.length : Math.max(here.length, count + joined_count - left_count) };
}

const nick = (person) => person.nick;

function list(names, count, [one, several]) {
  const named = names.slice(0, NAMED);
  const left = count - named.length;
  return named.join(", ") + (left > 0 ? ` and ${left} ${left === 1 ? one : several}` : "");
}

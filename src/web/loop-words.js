// Numbers as people read them.

/** A count, or a rate: whole from ten on. */
export function count(value) {
  const tenths = Math.round(value * 10) / 10;
  if (tenths < 10 && !Number.isInteger(tenths)) return tenths.toFixed(1);
  return Math.round(value).toLocaleString("en").replaceAll(",", "\u202f");
}

const three = (value) => (value >= 99.5 ? value.toFixed(0) : value >= 9.95 ? value.toFixed(1) : value.toFixed(2));

/** Nanoseconds in a unit that fits; what would be rounded to 1000 of one is 1 of the next. */
export function duration(nanos) {
  if (nanos === null || nanos === undefined) return "–";
  if (nanos < 999.5) return `${Math.round(nanos)} ns`;
  if (nanos < 999.5e3) return `${three(nanos / 1e3)} µs`;
  if (nanos < 999.5e6) return `${three(nanos / 1e6)} ms`;
  return `${three(nanos / 1e9)} s`;
}

/** Bytes in a unit that fits. */
export function bytes(value) {
  if (value < 999.5) return `${Math.round(value)} B`;
  if (value < 999.5e3) return `${three(value / 1e3)} kB`;
  return `${three(value / 1e6)} MB`;
}

// One's own words in the log, from when they are typed until the room has heard them. A line of
// `Sent` has as `entry` what stands there, and in which `transcript`, as long as that has no place.

export class Own {
  #views;

  constructor(views) {
    this.#views = views;
  }

  // What is said by a line stands where it was typed.
  show(line, entry, transcript) {
    transcript.wait(entry);
    Object.assign(line, { entry, transcript });
    this.#views.wrote(transcript, entry);
  }

  // It has come back from the room of this transcript, as `heard` says. False if it was typed on the
  // way from another: then it is gone from there.
  settle(line, heard, transcript) {
    if (!line?.entry) return false;
    if (line.transcript !== transcript) {
      this.withdraw(line);
      return false;
    }
    transcript.settle(line.entry, heard);
    this.#changed(line);
    return true;
  }

  // It was never said.
  withdraw(line) {
    if (!line.entry) return;
    line.transcript.withdraw(line.entry);
    line.entry = null;
    this.#views.merged(line.transcript);
  }

  // It was not heard.
  fail(line) {
    if (!line.entry) return;
    line.transcript.fail(line.entry, "not sent");
    this.#changed(line);
  }

  // Nobody knows whether it was, if it was sent at all.
  doubt(line) {
    if (!line.isSent) return this.fail(line);
    if (!line.entry) return;
    line.transcript.doubt(line.entry);
    this.#changed(line);
  }

  #changed(line) {
    const { entry, transcript } = line;
    line.entry = null;
    this.#views.changed(entry, transcript);
  }
}

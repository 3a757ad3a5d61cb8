// Name and room: a reload of this tab keeps both; a new tab begins with the name one chose last.
//
// What a session goes on by is here only from the end of one page to the beginning of the next in its
// tab. As long as a page lives, a tab that is made as its copy finds nothing, and takes nothing over.

function stored(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null; // storage is forbidden here: then the page remembers as long as it lives
  }
}

function store(storage, key, value) {
  try {
    storage().setItem(key, value);
  } catch {
    // As above.
  }
}

function remove(storage, key) {
  try {
    storage().removeItem(key);
  } catch {
    // As above.
  }
}

const tab = () => sessionStorage;
const browser = () => localStorage;

let name = stored(tab, "name") ?? stored(browser, "name");
let room = stored(tab, "room");
const SESSION = "session";

export const memory = {
  get name() {
    return name;
  },
  set name(value) {
    name = value;
    store(tab, "name", value);
    store(browser, "name", value);
  },
  get room() {
    return room;
  },
  set room(value) {
    room = value;
    store(tab, "room", value);
  },
  keepSession(session) {
    store(tab, SESSION, JSON.stringify(session));
  },
  // Null if there is none.
  takeSession() {
    const kept = stored(tab, SESSION);
    remove(tab, SESSION);
    return JSON.parse(kept);
  },
};

// Name and room: a reload of this tab keeps both; a new tab begins with the name one chose last.

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

const tab = () => sessionStorage;
const browser = () => localStorage;

let name = stored(tab, "name") ?? stored(browser, "name");
let room = stored(tab, "room");

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
};

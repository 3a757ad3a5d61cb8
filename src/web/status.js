// How the connection is, in words. What counts down is not read out.

const box = document.getElementById("status");
const text = document.getElementById("status-text");
const more = document.getElementById("status-more");
const retry = document.getElementById("retry");

const WORDS = {
  connecting: "Connecting",
  open: "Connected",
  waiting: "Disconnected, trying again",
  stopped: "Disconnected",
};

let timer = 0;

export function showStatus(state, until = 0) {
  clearInterval(timer);
  // An attempt that fails within a moment is no news.
  if (state === "connecting" && box.dataset.state === "waiting") return;
  box.dataset.state = state;
  if (text.textContent !== WORDS[state]) text.textContent = WORDS[state];
  retry.hidden = state !== "waiting" && state !== "stopped";
  more.textContent = "";
  if (state !== "waiting") return;
  const count = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    more.textContent = seconds > 0 ? ` in ${seconds} s` : " now";
  };
  count();
  timer = setInterval(count, 500);
}

// The least that is a chat: shows the lines that come, sends the line that is typed.
"use strict";

const lines = document.getElementById("lines");
const state = document.getElementById("state");
const input = document.getElementById("line");
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new WebSocket(`${scheme}//${location.host}/ws`);

function show(text) {
  const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 4;
  lines.append(text);
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

socket.addEventListener("open", () => { state.textContent = "Connected."; });
socket.addEventListener("close", (event) => {
  state.textContent = `Disconnected. ${event.reason} Reload the page to come back.`;
});
socket.addEventListener("message", (event) => {
  if (event.data.startsWith("{")) return; // the board
  show(event.data);
});
document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN || input.value === "") return;
  socket.send(input.value);
  if (!input.value.startsWith("/")) show(`${input.value}\n`);
  input.value = "";
});

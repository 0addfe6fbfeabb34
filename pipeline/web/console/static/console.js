// Says whether the page is kept up to date, and loads it again when the session has ended. Nothing depends on it.
(() => {
  const say = (words, lost) => {
    const line = document.getElementById("live-state");
    if (line && line.textContent !== words) {
      line.textContent = words;
      line.classList.toggle("lost", lost);
    }
  };
  document.addEventListener("htmx-sse-after-connection", () => say("Kept up to date.", false));
  document.addEventListener("htmx-sse-before-connection", (event) => {
    if (event.detail.connection.attempt > 0) say("Connection lost: this is how it was. Trying again.", true);
  });
  document.addEventListener("htmx-sse-error", (event) => {
    if (event.detail.status === 401) location.reload();
    else say("Connection lost: this is how it was. Trying again.", true);
  });
  document.addEventListener("htmx-sse-close", () => say("No longer kept up to date: reload the page.", true));
})();

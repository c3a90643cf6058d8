// Shows what is being said while a chapter is heard, and marks its card in the timeline.
//
// The page lays the times of the sentences into a hidden field, `#long-captions`, beside the sound;
// it is empty while something else is in the player. Nothing is said to screen readers by itself:
// the voice that is heard would be talked over. The line can be read like any other.
(() => {
  const PLAYER = "#long-player", TIMES = "#long-captions textarea", ROWS = "#long-cards";
  const LINGERS_SECONDS = 1.5;  // a sentence stays so long when no other one follows it
  const MOMENTS = ["timeupdate", "play", "seeking", "seeked", "ended", "emptied"];

  let kept = "", cues = [];
  function read() {
    const now = document.querySelector(TIMES)?.value ?? "";
    if (now !== kept) { kept = now; cues = now === "" ? [] : JSON.parse(now); }
  }

  /** The sentence at a time: the last that has begun, until the next one does. */
  function said(seconds) {
    let low = 0, high = cues.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cues[middle].start <= seconds) low = middle + 1; else high = middle;
    }
    const cue = cues[low - 1] ?? null;
    return cue !== null && seconds > cue.end + LINGERS_SECONDS ? null : cue;
  }

  function line(player) {
    let shown = player.querySelector("#long-caption");
    if (shown === null) {
      shown = document.createElement("p");
      shown.id = "long-caption";
      shown.translate = false;  // a text of the visitor's own
      player.append(shown);
    }
    return shown;
  }

  /** Mark the row of a card, as far as it is shown; the table may be at another place. */
  function mark(cue) {
    for (const cell of document.querySelectorAll(`${ROWS} [role=gridcell][data-col="0"]`)) {
      const row = cell.parentElement;
      const words = row.querySelector("[data-col='2']")?.textContent.trim().replace(/…$/, "") ?? "";
      const isSaid = cue !== null && cell.textContent.trim() === String(cue.number)
        && words !== "" && cue.text.startsWith(words);
      if (isSaid) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  function show(event) {
    const player = event.target.closest?.(PLAYER);
    if (!player) return;
    read();
    const isOver = event.type === "ended" || event.type === "emptied";
    const cue = isOver ? null : said(event.target.currentTime);
    const shown = line(player), words = cue?.text ?? "";
    if (shown.textContent !== words) shown.textContent = words;
    shown.dataset.holds = String(cues.length > 0);
    mark(cue);
  }

  for (const moment of MOMENTS) document.addEventListener(moment, show, true);
})();

"""How the page looks, and the little that the browser does by itself."""

from typing import Any

import gradio as gr

TITLE = "Bark Voice Studio"

STYLES = """
.gradio-container { max-width: 1180px !important; width: 100% !important;
  margin: 0 auto !important; }
.gradio-container > main, .gradio-container > main > .wrap { width: 100% !important; }
#takes *, #voices *, #families *, #clone-ranking *, #trainings *,
#long-texts *, #long-cards * { font-family: var(--font); }
#strip { border: 1px solid var(--border-color-primary); border-radius: 8px;
  padding: 8px 12px; align-items: center; background: var(--background-fill-secondary); }
#strip p { margin: 0; }
#notices { align-items: center; }
#notices p { margin: 0; }
#strip .block, #strip-words { border: 0; background: none; padding: 0; }
#first-steps { display: none; border: 1px solid var(--border-color-primary); border-radius: 8px;
  padding: 10px 14px; gap: 6px; }
#first-steps .first-step { align-items: center; gap: 4px 12px; }
#first-steps p { margin: 0; }
#first-steps-close { align-self: flex-end; width: auto; flex-grow: 0; }
#recipe-drop .icon-wrap { display: none; }
time, .playback span { color: var(--body-text-color-subdued) !important; }
.icon-button:has(.icon-mode), .icon-mode { min-width: 24px; min-height: 24px; }
#tabs h2 { font-size: 1.2em; }
#download-terms { padding: 10px 14px; }
#speak-status, #clone-status, #train-status, #long-status { min-height: 1.6em; }
#train-card { padding: 10px 14px; }
#train-card table { width: 100%; }
svg.curve { width: 100%; display: block; }
svg.curve polyline { fill: none; }
svg.curve polyline.right { stroke: var(--primary-600); stroke-width: 3; }
svg.curve polyline.loss { stroke: var(--body-text-color-subdued); stroke-width: 1.2; }
svg.curve circle.right { fill: var(--primary-600); }
svg.curve .grid { stroke: var(--border-color-primary); stroke-width: 1; }
svg.curve .tick { fill: var(--body-text-color-subdued); }
#insecure-note { display: none; }
#text-facts p { margin: 0; color: var(--body-text-color-subdued); font-size: var(--text-sm); }
#clip-check, #clone-public { padding: 10px 14px; }
#clip-check ul { list-style: none; padding-left: 0; margin: 0; }
#clip-check p { margin: 0 0 6px 0; }
svg.waveform { width: 100%; height: 110px; display: block; }
svg.waveform .sound { stroke: var(--body-text-color-subdued); stroke-width: 1.2; }
svg.waveform .chosen { fill: var(--primary-500); opacity: 0.25; }
svg.waveform .speech { fill: var(--primary-600); }
svg.waveform .part { fill: var(--primary-400); }
svg.waveform .tick { fill: var(--body-text-color-subdued); }
#clone-report-words table { width: 100%; }
#clone-report-words td, #clone-report-words th { padding: 4px 6px; }
#clone-report-words th { white-space: nowrap; }
#long-captions { display: none !important; }
#long-caption { margin: 0; padding: 8px 12px; overflow-wrap: anywhere; line-height: 1.5;
  color: var(--body-text-color); border-left: 3px solid var(--primary-600); }
#long-caption[data-holds=true] { min-height: 4.2em; }
#long-caption[data-holds=false] { display: none; }
#long-cards [aria-current=true] { box-shadow: inset 4px 0 var(--primary-600); font-weight: 600; }
#empty-take { border: 1px dashed var(--border-color-primary); border-radius: 8px;
  padding: 20px 16px; text-align: center; }
.sr-only { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
#announcer { position: absolute; height: 1px; width: 1px; padding: 0; border: 0; overflow: hidden; }
h1 { margin: 0 0 4px 0 !important; }
#page-head { flex-wrap: nowrap; align-items: center; }
#language-choice { flex: 0 0 auto; width: auto; min-width: 0 !important; }
#language { padding: 4px 8px; border: 1px solid var(--border-color-primary); border-radius: 8px;
  color: var(--body-text-color); background: var(--background-fill-primary); }
@media (max-width: 640px) {
  .gradio-container { padding: 8px !important; }
  #page-head h1 { font-size: 1.4em; }
  #strip { flex-direction: column; align-items: stretch; gap: 6px; }
  #first-steps .first-step { flex-direction: column; align-items: stretch; }
  #trainings :is(th, td, .body-cell):is(:nth-child(2), :nth-child(4)) { display: none; }
  #trainings :is(th, td, .body-cell):nth-child(n) { min-width: 0 !important;
    max-width: none !important; }
  #trainings :is(th, td, .body-cell):nth-child(1) { width: 42% !important;
    flex: 0 0 42% !important; }
  #trainings :is(th, td, .body-cell):nth-child(3) { width: 34% !important;
    flex: 0 0 34% !important; }
  #trainings :is(th, td, .body-cell):nth-child(5) { width: 24% !important;
    flex: 0 0 24% !important; }
  #notices { flex-direction: column; align-items: stretch; gap: 6px; }
}
"""

ON_LOAD = """
() => {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)
        && event.target.closest("#speak-text")) {
      event.preventDefault();
      document.querySelector("#speak-button")?.click();
    }
  });
  if (!window.isSecureContext) {  // browsers give no microphone to such a page
    const style = document.createElement("style");
    style.textContent = "#insecure-note { display: block !important; }";
    document.head.append(style);
  }
  const places = ["#speak-status", "#clone-status", "#clip-check", "#train-status",
    "#long-status", "#long-card-status"];
  const said = { at: 0 };
  const announce = (place) => {
    const shown = document.querySelector(place);
    const line = shown?.innerText.trim() ?? "";
    const target = document.querySelector("#announcement");
    const now = Date.now();
    const ended = line !== "" && /^(Done|Stopped)/.test(window.barkLanguage.english(shown));
    if (!target || line === (said[place] ?? "") || (!ended && now - said.at < 3000)) return;
    said[place] = line; said.at = now;
    target.textContent = line;
  };
  setInterval(() => places.forEach(announce), 500);
}
"""

# What Gradio's own parts leave unsaid to those who cannot see them: done over and over, because
# its parts are made anew.
MEND = """
() => {
  const mend = () => {
    document.querySelectorAll(".icon-button:has(.icon-mode)").forEach((each) => {
      each.setAttribute("role", "group");  // the button within it is the one that acts
      each.setAttribute("tabindex", "-1");
      each.setAttribute("aria-label", "More files");
      each.removeAttribute("title");
      each.removeAttribute("aria-haspopup");
    });
    document.querySelectorAll("#clone-picture .image-container > button").forEach((each) => {
      each.setAttribute("aria-label", "Picture of the recording and the clone");
    });
    document.querySelectorAll(".toast-header[role=button]").forEach((each) => {
      each.setAttribute("role", "group");  // the button within it closes the message
      each.removeAttribute("tabindex");
    });
    document.querySelectorAll("footer img").forEach((each) => {
      each.alt = "";  // the same word stands beside it
    });
  };
  mend();
  setInterval(mend, 500);
}
"""

SHOW_CLONES = """
() => {
  const line = document.querySelector("#clone-status");
  if (line !== null && window.barkLanguage.english(line).startsWith("Done")) {
    document.querySelector("#clone-question")?.scrollIntoView({ behavior: "smooth" });
  }
}
"""

PAUSE_ALL = """
() => {
  const pause = (root) => root?.querySelectorAll("*").forEach((each) => {
    if (each.tagName === "AUDIO") each.pause();
    if (each.shadowRoot) pause(each.shadowRoot);
  });
  pause(document.querySelector("#live"));
  pause(document.querySelector("#take"));
}
"""

# The words stay to be read for a moment; the page that opens then is a new visitor's.
BEGIN_ANEW = "() => { setTimeout(() => window.location.reload(), 1500); }"

# The browser keeps what was typed: the values go from the widgets to its storage, not to us.
KEEP_DRAFT = "(...values) => [values.slice(0, -1)]"
ANNOUNCER = '<div id="announcement" role="status" aria-live="polite" class="sr-only"></div>'


def make_theme() -> gr.themes.Default:
    """Indigo on slate, with the tokens whose stock values lack contrast set."""
    theme = gr.themes.Default(
        primary_hue="indigo",
        neutral_hue="slate",
        font=["system-ui", "Segoe UI", "Roboto", "Liberation Sans", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    tokens: dict[str, Any] = {
        "button_primary_background_fill": "*primary_700",
        "button_primary_background_fill_hover": "*primary_800",
        "button_primary_background_fill_dark": "*primary_600",
        "button_primary_background_fill_hover_dark": "*primary_500",
        "button_primary_text_color": "white",
        "button_cancel_background_fill": "#b91c1c",
        "button_cancel_background_fill_hover": "#991b1b",
        "button_cancel_background_fill_dark": "#b91c1c",
        "button_cancel_text_color": "white",
        "button_cancel_text_color_dark": "white",
        "block_info_text_color": "*neutral_600",
        "block_info_text_color_dark": "*neutral_300",
        "link_text_color": "*primary_700",
        "link_text_color_hover": "*primary_800",
        "link_text_color_visited": "*primary_700",
        "link_text_color_active": "*primary_800",
        "link_text_color_dark": "*primary_300",
        "link_text_color_hover_dark": "*primary_200",
        "link_text_color_visited_dark": "*primary_300",
        "link_text_color_active_dark": "*primary_200",
        "body_text_color_subdued": "*neutral_600",
        "body_text_color_subdued_dark": "*neutral_300",
        "block_label_text_color": "*neutral_700",
        "block_label_text_color_dark": "*neutral_200",
        "block_title_text_color": "*neutral_700",
        "block_title_text_color_dark": "*neutral_200",
    }
    theme.set(**tokens)
    return theme

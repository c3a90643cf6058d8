// Shows the page in the visitor's language: what it says in English is looked up in the language's
// file and written in its place. Nothing that a visitor wrote or named is touched.
//
// `window.barkLanguages` maps each code to a name and the address of its words; the page sets it.
(() => {
  const STORED = "bark-studio-language";
  const INLINE = new Map([
    ["STRONG", "\uE000\uE000"], ["B", "\uE000\uE000"], ["EM", "\uE001\uE001"],
    ["I", "\uE001\uE001"], ["CODE", "\uE002\uE002"], ["A", "\uE003\uE004"],
  ]);
  const MARK = /[\uE000-\uE004]/;
  const ATTRIBUTES = ["placeholder", "aria-label", "title"];
  const MOST_CHARACTERS = 1_000, MOST_REMEMBERED = 3_000, LOOK_MILLISECONDS = 250;
  const NUMBER = "[-+−]?\\d[\\d.,]*(?:[–-]\\d[\\d.,]*)?(?: ?%)?";

  const WHOLE_NUMBER = new RegExp(`^${NUMBER}$`, "u");

  // Where visitors' own words stand, and what of them is ours all the same: nothing, these words
  // only, the first part before a dot, or the rest behind it. The first place that fits counts.
  const NOTHING = [], FIRST = "first", REST = "rest", ALL = "all";
  const PLACES = [
    [":is(#families, #long-texts) :is([data-col='1'], [data-col='2'])", ALL],
    [":is(#takes, #long-cards) [data-col='3'], #long-cards [data-col='1']", ALL],
    ["#trainings [role=gridcell]:not([data-col='0'])", ALL],
    ["#voices [data-col='1']", ALL],
    ["#voices [data-col='2']", FIRST],
    ["#clone-ranking [role=gridcell]", ALL],
    ["#takes [data-col='2']", ["any voice"]],
    ["[role=gridcell], .sizing-body, textarea, script, style, [translate=no]", NOTHING],
    ["blockquote, .file-preview, .gallery-item, #train-card h2, .slider_input_container span",
      NOTHING],
    [":is(#speak-voice, #long-narrator, #long-voice, #long-card-voice, #train-voices, "
      + "#blend-other) :is(.options, input, .token)", REST],
    [":is(#long-speaker, #long-card-speaker) :is(.options, input)", ["Narrator"]],
    ["#long-chapter :is(.options, input)", ["{x} ({#n} of {#m})"]],
    [":is(#clone-which, #train-rival) :is(.options, input)", NOTHING],
    ["#preview [data-testid=block-label]", ["Preview", "{x} reads: {y}", "{x}, {#a} to {#b} s"]],
    ["#long-player [data-testid=block-label]", ["Player"]],
    ["#train-first [data-testid=block-label]", ["The chosen one"]],
    ["#train-second [data-testid=block-label]", ["The other one"]],
    ["#long-voices", ["Narrator: {x}"]],
  ];

  // Choosers that take words of one's own as well: what is typed there is kept as it is.
  const FREE = "#long-card-speaker, #clone-tags, #voice-language";

  /** The words of one language: exact ones in a map, those with gaps as patterns. */
  class Words {
    constructor(code, words) {
      this.code = code;
      this.all = words;
      this.exact = new Map();
      this.byStart = new Map();  // by the first letters of a pattern that begins with a letter
      this.anyStart = [];
      this.known = new Map();
      this.parts = new Map();
      const shown = new Intl.NumberFormat(code).formatToParts(1234.5);
      this.point = shown.find((each) => each.type === "decimal").value;
      this.group = shown.find((each) => each.type === "group")?.value ?? "";
      const patterns = [];
      for (const [english, other] of Object.entries(words)) {
        if (english.includes("{")) patterns.push(new Pattern(english, other));
        else this.exact.set(marked(english), marked(other));
      }
      patterns.sort((a, b) => b.weight - a.weight);
      for (const each of patterns) {
        if (each.start === "") { this.anyStart.push(each); continue; }
        const group = this.byStart.get(each.start) ?? [];
        this.byStart.set(each.start, [...group, each]);
      }
    }

    /** The same words, but only some of them. */
    only(keys) {
      const name = keys.join("\n");
      if (!this.parts.has(name)) {
        const some = keys.filter((key) => key in this.all).map((key) => [key, this.all[key]]);
        this.parts.set(name, new Words(this.code, Object.fromEntries(some)));
      }
      return this.parts.get(name);
    }

    /** A text in this language; null where it is not known. */
    say(text) {
      if (WHOLE_NUMBER.test(text)) return this.number(text);
      if (text.length > MOST_CHARACTERS || !/[A-Za-z]/.test(text)) return null;
      if (this.known.has(text)) return this.known.get(text);
      const said = this.search(text);
      if (this.known.size >= MOST_REMEMBERED) this.known.clear();
      this.known.set(text, said);
      return said;
    }

    search(text) {
      const small = text[0].toLowerCase() + text.slice(1);
      const dotted = text.includes(" · ");
      const direct = this.exact.get(text) ?? raised(text, this.exact.get(small))
        ?? this.wrapped(text) ?? this.filled(text, dotted)
        ?? raised(text, this.filled(small, dotted));
      if (direct !== null) return direct;
      return (dotted ? this.joined(text, " · ") ?? this.filled(text, false) : null)
        ?? this.sentences(text) ?? this.joined(text, ", ", true);
    }

    /** A text that is bold as a whole, or one behind a sign of its own. */
    wrapped(text) {
      const found = /^(\uE000)([^\uE000]+)\uE000$|^([✓✗!⚠] )(.+)$/.exec(text);
      if (found === null) return null;
      const [, bold, inner, sign, rest] = found;
      const said = this.say(inner ?? rest);
      if (said === null) return null;
      return bold === undefined ? sign + said : bold + said + bold;
    }

    /** Say a text by the patterns that have a dot between parts, or by those that have none. */
    filled(text, dotted) {
      for (const patterns of [this.byStart.get(text.slice(0, 3)) ?? [], this.anyStart]) {
        for (const pattern of patterns) {
          const said = pattern.dotted === dotted ? pattern.fill(text, this) : null;
          if (said !== null) return said;
        }
      }
      return null;
    }

    /** Say the parts of a line one by one; with `whole` all of them must be known. */
    joined(text, between, whole = false) {
      const parts = text.split(between);
      if (parts.length < 2) return null;
      const said = parts.map((part) => this.say(part));
      if (said.every((each) => each === null) || (whole && said.includes(null))) return null;
      const glue = between === ", " && this.code === "zh" ? "、" : between;
      return said.map((each, number) => each ?? parts[number]).join(glue);
    }

    sentences(text) {
      const parts = text.split(/(?<=[.!?…]\uE000?) (?=[\uE000A-Z“"*])/u);
      if (parts.length < 2) return null;
      const said = parts.map((part) => this.say(part));
      if (said.every((each) => each === null)) return null;
      return said.map((each, number) => each ?? parts[number]).join(" ").replace(/([。！？]) /g, "$1");
    }

    /** The first part of a line, or all but the first, which is somebody's own. */
    part(text, which) {
      const own = text.split(" · "), first = own.shift();
      if (which === FIRST) return [this.say(first) ?? first, ...own].join(" · ");
      if (own.length === 0) return this.exact.get(text) ?? null;
      return [first, ...own.map((each) => this.exact.get(each) ?? each)].join(" · ");
    }

    number(text) {
      return text.replace(/[.,]/g, (mark) => mark === "." ? this.point : this.group);
    }
  }

  /** A text with gaps: {#n} takes a number, {~x} words that are said in turn, {x} any text. */
  class Pattern {
    constructor(english, other) {
      const gaps = [];
      const source = marked(english).split(/(\{[^}]+\})/).map((part) => {
        const gap = /^\{([#~]?)(\w+)\}$/.exec(part);
        if (!gap) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
        gaps.push([gap[1], gap[0]]);
        return gap[1] === "#" ? `(${NUMBER})` : "(.+?)";
      });
      this.gaps = gaps;
      this.expression = new RegExp(`^${source.join("")}$`, "u");
      this.other = marked(other);
      this.dotted = english.includes(" · ");
      this.weight = english.replace(/\{[^}]+\}/g, "").length;
      const start = /^[^{]{3}/.exec(marked(english));
      this.start = start ? start[0] : "";
    }

    fill(text, words) {
      const found = this.expression.exec(text);
      if (found === null) return null;
      const values = new Map(this.gaps.map(([kind, gap], number) => {
        const value = found[number + 1];
        if (kind === "#") return [gap, words.number(value)];
        return [gap, kind === "~" ? words.say(value) ?? value : value];
      }));
      return this.other.replace(/\{[^}]+\}/g, (gap) => values.get(gap) ?? gap);
    }
  }

  /** What is said for a line that begins small, for the same line with a large letter. */
  function raised(text, said) {
    if (said === null || said === undefined) return null;
    return text[0] === text[0].toLowerCase() ? said : said[0].toUpperCase() + said.slice(1);
  }

  /** Markdown's signs as single letters that nobody types. */
  function marked(text) {
    return text.replaceAll("**", "\uE000").replaceAll("*", "\uE001").replaceAll("`", "\uE002")
      .replaceAll("[", "\uE003").replaceAll("]", "\uE004");
  }

  /** A text that shows markdown's signs themselves, as messages do. */
  function literally(text) {
    if (MARK.test(text) || !/[`*[\]]/.test(text)) return null;
    const said = words.say(marked(text));
    return said && said.replaceAll("\uE000", "**").replaceAll("\uE001", "*")
      .replaceAll("\uE002", "`").replaceAll("\uE003", "[").replaceAll("\uE004", "]");
  }

  let words = null;  // of the language that is shown; null: English
  let code = "en";
  const texts = new WeakMap();  // by a text's node: what it said in English, and what it shows
  const attributes = new WeakMap();  // by an element: the same of each of its attributes
  const choices = new WeakMap();  // by a chooser's field: what it offers, by its English
  let lent = null;  // the field that says English for a moment, and what is typed into it
  const fields = new WeakMap();  // by a chooser's field: the same of its value

  const englishOf = (node) => {
    const kept = texts.get(node);
    return kept !== undefined && kept.shown === node.data ? kept.english : node.data;
  };
  const write = (node, shown) => {
    const english = englishOf(node);
    if (shown === english) texts.delete(node);
    else texts.set(node, { english, shown });
    if (node.data !== shown) node.data = shown;  // Svelte holds on to the node
  };

  function place(element) {
    for (const [selector, ours] of PLACES) if (element.closest(selector)) return ours;
    return ALL;
  }

  /** A text of ours in the language that is shown; null where it stays as it is. */
  function translated(text, ours) {
    if (words === null || ours === NOTHING || text === "") return null;
    if (ours === ALL) return words.say(text) ?? literally(text);
    return Array.isArray(ours) ? words.only(ours).say(text) : words.part(text, ours);
  }

  /** The runs of text and inline elements right below a block, each a list of pieces of text. */
  function runsOf(block) {
    const runs = [];
    let run = null;
    const open = () => run ??= { marks: [], pieces: [[]] };
    const close = () => { if (run) runs.push(run); run = null; };
    const walk = (parent) => {
      for (const node of parent.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) open().pieces.at(-1).push(node);
        else if (INLINE.has(node.nodeName)) {
          const [before, after] = INLINE.get(node.nodeName);
          open().marks.push(before); run.pieces.push([]);
          walk(node);
          open().marks.push(after); run.pieces.push([]);
        } else if (node.nodeType === Node.ELEMENT_NODE && parent === block) close();
      }
    };
    walk(block);
    close();
    return runs;
  }

  function showBlock(block) {
    const ours = place(block);
    for (const { marks, pieces } of runsOf(block)) {
      const english = pieces.map((nodes) => nodes.map(englishOf).join(""));
      const whole = english.map((each, number) => each + (marks[number] ?? "")).join("");
      const said = translated(whole.replace(/\s+/g, " ").trim(), ours);
      const parts = said?.split(MARK);
      const fits = parts?.length === pieces.length
        && parts.every((part, number) => pieces[number].length > 0 || part.trim() === "");
      pieces.forEach((nodes, number) => {
        if (!fits) { nodes.forEach((node) => write(node, englishOf(node))); return; }
        const first = nodes.find((node) => englishOf(node).trim() !== "") ?? nodes[0];
        const before = number === 0 ? /^\s*/.exec(english[0])[0] : "";
        const after = number === pieces.length - 1 ? /\s*$/.exec(english.at(-1))[0] : "";
        const text = english[number].trim() || parts[number] ? before + parts[number] + after : "";
        nodes.forEach((node) => write(node, node === first ? text || englishOf(node) : ""));
      });
    }
  }

  function showAttributes(element) {
    const ours = place(element.matches("input, textarea") ? element.parentElement : element);
    for (const name of ATTRIBUTES) {
      const now = element.getAttribute(name);
      const kept = attributes.get(element)?.[name];
      if (now === null) continue;
      const english = kept?.shown === now ? kept.english : now;
      const shown = translated(english.trim(), ours) ?? english;
      if (shown !== english) {
        attributes.set(element, { ...attributes.get(element), [name]: { english, shown } });
      }
      if (shown !== now) element.setAttribute(name, shown);
    }
  }

  /** The fields of choosers show choices of ours; what is typed into them stays. */
  function showFields() {
    for (const field of document.querySelectorAll("input[role=combobox]")) {
      const kept = fields.get(field);
      const english = kept?.shown === field.value ? kept.english : field.value;
      const typing = field === document.activeElement && !field.readOnly;
      const shown = typing ? english : translated(english, place(field)) ?? english;
      if (shown !== english) fields.set(field, { english, shown });
      if (shown !== field.value) field.value = shown;
    }
  }

  /** What a chooser offers, by its English; lists are shown in parts, so it is gathered. */
  function remember(field) {
    const known = choices.get(field) ?? new Map();
    for (const each of field.closest(".block")?.querySelectorAll("[role=option]") ?? []) {
      const now = each.getAttribute("aria-label"), kept = attributes.get(each)?.["aria-label"];
      const english = kept?.shown === now ? kept.english : now;
      if (english) known.set(english, translated(english, place(each)) ?? english);
    }
    choices.set(field, known);
    return known;
  }

  /** The English that finds what a visitor is looking for in their own language. */
  function sought(typed, known) {
    const holds = (text, part) => text.toLowerCase().includes(part.toLowerCase());
    const fitting = [...known].filter(([, shown]) => holds(shown, typed)).map(([each]) => each);
    if (typed === "" || fitting.every((each) => holds(each, typed))) return typed;
    const found = (part) => fitting.filter((each) => holds(each, part)).length * known.size
      - [...known.keys()].filter((each) => holds(each, part)).length;
    const parts = fitting.flatMap((each) => [each, ...each.split(" · ")]);
    return parts.reduce((best, part) => found(part) > found(best) ? part : best, typed);
  }

  /** While Gradio takes over what is typed into a chooser, it reads the English of it. */
  function lendEnglish(event) {
    const field = event.target;
    const takes = words !== null && !event.isComposing
      && field.matches?.("input[role=combobox]") && field.closest(FREE) === null;
    if (!takes) return;
    const typed = field.value, english = sought(typed, remember(field));
    if (english === typed) return;
    lent = { field, typed, caret: field.selectionStart };
    field.value = english;
  }
  function takeBack() {
    if (lent === null) return;
    const { field, typed, caret } = lent;
    lent = null;
    field.value = typed;
    field.setSelectionRange(caret, caret);
  }

  function blockOf(node) {
    let block = node.parentElement;
    while (block !== null && INLINE.has(block.nodeName)) block = block.parentElement;
    return block;
  }

  function gather(root, blocks, elements) {
    if (root.nodeType === Node.TEXT_NODE) blocks.add(blockOf(root));
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = root; node !== null; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) blocks.add(blockOf(node));
      else if (ATTRIBUTES.some((name) => node.hasAttribute(name))) elements.add(node);
    }
  }

  function show(blocks, elements) {
    blocks.forEach((block) => { if (block?.isConnected) showBlock(block); });
    elements.forEach((element) => { if (element.isConnected) showAttributes(element); });
    observer.takeRecords();  // what was written here needs no second look
  }

  const observer = new MutationObserver((records) => {
    const blocks = new Set(), elements = new Set();
    for (const record of records) {
      if (record.type === "characterData") blocks.add(blockOf(record.target));
      else if (record.type === "attributes") elements.add(record.target);
      else record.addedNodes.forEach((node) => gather(node, blocks, elements));
    }
    show(blocks, elements);
  });

  function showAll() {
    const blocks = new Set(), elements = new Set();
    gather(document.body, blocks, elements);
    show(blocks, elements);
    showFields();
  }

  /** Gradio's own words stay English, so that they are changed with all the others. */
  async function keepGradioEnglish() {
    const root = document.documentElement;
    if (root.lang !== code) root.lang = code;
    if (/^en\b/.test(navigator.language)) return;
    const loaded = performance.getEntriesByType("resource").map((each) => each.name);
    const core = loaded.find((name) => /\/assets\/core-[^/]*\.js$/.test(name));
    if (core !== undefined) (await import(core)).changeLocale?.("en");
  }

  const offered = (wanted) => {
    const known = String(wanted ?? "").toLowerCase().split(/[-_]/)[0];
    return known === "en" || known in window.barkLanguages ? known : null;
  };
  const stored = () => {
    try { return localStorage.getItem(STORED); } catch { return null; }
  };

  function begin() {
    const asked = new URLSearchParams(window.location.search).get("lang");
    const wished = [asked, stored(), ...navigator.languages].map(offered);
    return wished.find((each) => each !== null) ?? "en";
  }

  async function choose(wanted) {
    code = wanted;
    keepGradioEnglish();
    showChoice();
    let brought = null;
    if (code !== "en") {
      const answer = await fetch(new URL(window.barkLanguages[code].address, document.baseURI));
      if (!answer.ok) { code = "en"; return; }
      brought = new Words(code, await answer.json());
    }
    if (code !== wanted) return;  // another one was chosen meanwhile
    words = brought;
    observer.disconnect();
    if (words !== null) {
      observer.observe(document.body, {
        subtree: true, childList: true, characterData: true, attributes: true,
        attributeFilter: ATTRIBUTES,
      });
    }
    showAll();
  }

  function showChoice() {
    const chooser = document.querySelector("#language");
    if (chooser !== null && chooser.value !== code) chooser.value = code;
  }

  document.addEventListener("change", (event) => {
    if (event.target.id !== "language") return;
    const wanted = offered(event.target.value) ?? "en";
    try { localStorage.setItem(STORED, wanted); } catch { /* until a reload */ }
    const address = new URL(window.location.href);
    address.searchParams.delete("lang");
    history.replaceState(history.state, "", address);
    choose(wanted);
  });
  document.addEventListener("input", lendEnglish, true);  // before Gradio reads the field
  document.addEventListener("input", takeBack);
  document.addEventListener("compositionend", (event) => {  // Gradio looks only at keys
    if (words === null || !event.target.matches?.("input[role=combobox]")) return;
    event.target.dispatchEvent(new InputEvent("input", { bubbles: true }));
    event.target.dispatchEvent(new KeyboardEvent("keydown", { key: "Process", bubbles: true }));
  });
  document.addEventListener("focusin", (event) => {
    if (words === null || !event.target.matches?.("input[role=combobox]")) return;
    showFields();
    setTimeout(() => { if (words !== null) remember(event.target); });  // all is offered now
  });
  setInterval(() => {
    showChoice();
    if (words === null) return;
    showFields();
    const field = document.activeElement;  // it may have been opened before the words were there
    if (field?.matches("input[role=combobox]")) remember(field);
  }, LOOK_MILLISECONDS);

  window.barkLanguage = {
    /** The language of the page, for who reads it aloud. */
    get code() { return code; },
    /** What an element says in English, whatever language it is shown in. */
    english(element) {
      const markdown = element.querySelector(".md") ?? element;  // beside it Gradio counts time
      const walker = document.createTreeWalker(markdown, NodeFilter.SHOW_TEXT);
      let text = "";
      while (walker.nextNode() !== null) text += englishOf(walker.currentNode);
      return text.trim();
    },
    /** A text in a language by its words, for tests. */
    say: (text) => words?.say(marked(text)) ?? null,
  };
  // Gradio says the browser's language when it has brought its words for it.
  const language = new MutationObserver(() => {
    if (document.documentElement.lang !== code) keepGradioEnglish();
  });
  language.observe(document.documentElement, { attributeFilter: ["lang"] });
  choose(begin());
})();

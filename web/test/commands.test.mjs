// Commands on a text without a window.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EditorState } from "@codemirror/state";
import { continueMarkup } from "../src/continue.js";
import { insertDiagram, insertFootnote, insertLink } from "../src/insert.js";
import { markdown } from "../src/language.js";
import { cycleHeading, toggleAlert, toggleFence, toggleFold, toggleList, toggleQuote, toggleSpoiler } from "../src/lines.js";
import { toggleMark } from "../src/marks.js";
import { formatOrInsertTable, toNextCell, toPreviousCell } from "../src/table-commands.js";

/** Runs a command on a text; `«` and `»` are the ends of the selection, `‸` is a cursor. */
function run(command, text) {
  const plain = text.replace(/[«»‸]/g, "");
  const anchor = text.includes("‸") ? text.indexOf("‸") : text.indexOf("«");
  const head = text.includes("‸") ? anchor : text.indexOf("»") - 1;
  let state = EditorState.create({ doc: plain, selection: { anchor, head }, extensions: [markdown] });
  const view = {
    get state() { return state; },
    dispatch(spec) { state = (typeof spec.state === "object" ? spec : state.update(spec)).state; },
  };
  const done = command(view);
  const { from, to } = state.selection.main;
  const shown = state.doc.toString();
  const marked = from === to ? `${shown.slice(0, from)}‸${shown.slice(from)}` : `${shown.slice(0, from)}«${shown.slice(from, to)}»${shown.slice(to)}`;
  return done ? marked : false;
}

const cases = (command, table) => { for (const [before, after] of table) assert.equal(run(command, before), after, JSON.stringify(before)); };

test("Enter goes on with lists, tasks and quotes, and ends them", () => cases(continueMarkup, [
  ["- one‸", "- one\n- ‸"],
  ["  * one‸", "  * one\n  * ‸"],
  ["9. nine‸", "9. nine\n10. ‸"],
  ["1) on‸e", "1) on\n2) ‸e"],
  ["- [x] done‸", "- [x] done\n- [ ] ‸"],
  ["> quoted‸", "> quoted\n> ‸"],
  [">! hidden‸", ">! hidden\n>! ‸"],
  ["> - in a quote‸", "> - in a quote\n> - ‸"],
  ["- one\n- ‸", "- one\n‸"],
  ["> - one\n> - ‸", "> - one\n> ‸"],
  ["> one\n> ‸", "> one\n‸"],
  ["- one ‸", "- one\n- ‸"],
  ["plain‸", false],
  ["‸- one", false],
  ["```\n- code‸\n```", false],
  ["«- o»ne", false],
]));

test("marks go around words and away again", () => {
  cases(toggleMark("**"), [
    ["a wo‸rd b", "a **wo‸rd** b"],
    ["a **wo‸rd** b", "a wo‸rd b"],
    ["«two words»", "**«two words»**"],
    ["«**two words**»", "«two words»"],
    ["**«two words»**", "«two words»"],
    ["a « b » c", "a  **«b»**  c"],
    ["x ‸ y", "x **‸** y"],
    ["x **‸** y", "x ‸ y"],
    ["*«both»*", "***«both»***"],
    ["***«both»***", "*«both»*"],
    ["- «one\n- two»", "- **«one**\n- **two»**"],
  ]);
  cases(toggleMark("*"), [["**«strong»**", "***«strong»***"], ["***«both»***", "**«both»**"], ["*«x»*", "«x»"]]);
  cases(toggleMark("`"), [["«x»", "`«x»`"], ["`«x»`", "«x»"]]);
});

test("lines get signs and lose them", () => {
  cases(cycleHeading, [["ti‸tle", "# ti‸tle"], ["## ti‸tle", "### ti‸tle"], ["##### ti‸tle", "ti‸tle"], ["‸", "# ‸"]]);
  cases(toggleList("bullet"), [["«a\n\nb»", "- «a\n\n- b»"], ["- a‸", "a‸"], ["1. a‸", "- a‸"], ["- [ ] a‸", "- a‸"]]);
  cases(toggleList("number"), [["«a\nb»", "1. «a\n2. b»"]]);
  cases(toggleList("task"), [["- a‸", "- [ ] a‸"], ["- [x] a‸", "a‸"]]);
  cases(toggleQuote, [["«a\n\nb»", "> «a\n> \n> b»"], ["> a‸", "a‸"]]);
  cases(toggleSpoiler, [["a‸", ">! a‸"], [">! a‸", "a‸"]]);
  cases(toggleFold, [["a‸", ">| # «Summary»\n>| a"], [">| a‸", "a‸"]]);
  cases(toggleAlert("TIP"), [["a‸", "> [!TIP]\n> a‸"], ["> [!NOTE]\n> a‸", "> [!TIP]\n> a‸"], ["> [!TIP]\n> a‸", "a‸"]]);
  cases(toggleFence, [["«a\nb»", "```\n«a\nb»\n```"], ["```\na‸\n```", "a‸"], ["‸", "```\n‸\n```"], ["```\n‸\n```", "‸"], ["«a ``` b»", "````\n«a ``` b»\n````"]]);
});

test("links, footnotes and blocks are put where they belong", () => {
  cases(insertLink, [
    ["a wo‸rd", "a [word](‸)"], ["‸", "[‸]()"], ["«two words»", "[two words](‸)"], ["«https://a.example»", "[‸](https://a.example)"],
    ["[te‸xt](./x.png)", "«text»"],
  ]);
  cases(insertFootnote, [
    ["A wo‸rd.\n", "A word[^1].\n\n[^1]: ‸\n"],
    ["A[^1] wo‸rd.\n\n[^1]: one\n", "A[^1] word[^2].\n\n[^1]: one\n[^2]: ‸\n"],
    ["‸", "[^1]\n\n[^1]: ‸\n"],
  ]);
  assert.match(run(insertDiagram, "text‸\nmore"), /^text\n\n```mermaid\nflowchart LR\n {2}«A.*»\n```\n\nmore$/);
});

test("tables are inserted, straightened and walked through", () => {
  assert.match(run(formatOrInsertTable, "‸"), /^\| «Column 1» \| Column 2 \| Column 3 \|\n\| -+ \|/);
  cases(formatOrInsertTable, [["|a|b|\n|-|-|\n|1|lo‸ng|", "| a   | b    |\n| --- | ---- |\n| 1   | «long» |"]]);
  cases(toNextCell, [
    ["|a|b‸|\n|-|-|\n|1|2|", "|a|b|\n|-|-|\n|«1»|2|"],
    ["|a|b|\n|-|-‸|\n|1|2|", "|a|b|\n|-|-|\n|«1»|2|"],
    ["|a|\n|-|\n|1‸|", "| a   |\n| --- |\n| 1   |\n| ‸    |"],
    ["no table‸", false],
    ["```\n|a|b‸|\n|-|-|\n```", false],
  ]);
  cases(toPreviousCell, [["|a|b|\n|-|-|\n|1‸|2|", "|a|«b»|\n|-|-|\n|1|2|"], ["|a‸|b|\n|-|-|", "|a‸|b|\n|-|-|"]]);
});

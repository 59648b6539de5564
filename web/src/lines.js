// Signs at the beginning of lines: headings, lists, quotes, spoilers, folds, alerts, fences. Each is a toggle for the selected lines.

import { EditorSelection } from '@codemirror/state';
import { around } from './language.js';
import { say } from './say.js';

const HEADING = /^( {0,3})(#{1,6})(?:\s+|$)/;
const LIST = /^(\s*)(?:([-*+])|\d{1,9}[.)])\s+(\[[ xX]\]\s+)?/;
const HIGHEST_TOGGLED = 5;

export const selectedLines = (state) => {
  const { from, to, empty } = state.selection.main;
  const first = state.doc.lineAt(from).number;
  const last = state.doc.lineAt(to);
  // A selection that ends before the first letter of a line does not mean that line.
  const end = !empty && last.from === to && last.number > first ? last.number - 1 : last.number;
  return Array.from({ length: end - first + 1 }, (_, i) => state.doc.line(first + i));
};

const written = (lines) => {
  const some = lines.filter((line) => line.text.trim());
  return some.length ? some : lines.slice(0, 1);
};

/** Replaces beginnings of lines: `[line, length of the old one, the new one]`. */
const changeBeginnings = ({ state, dispatch }, beginnings) => {
  const changes = state.changes(beginnings.map(([line, length, insert]) => ({ from: line.from, to: line.from + length, insert })));
  dispatch(state.update({ changes, selection: state.selection.map(changes, 1), scrollIntoView: true, userEvent: 'input.format' }));
  return true;
};

export const cycleHeading = (view) => {
  const lines = written(selectedLines(view.state));
  const level = HEADING.exec(lines[0].text)?.[2].length ?? 0;
  const next = level >= HIGHEST_TOGGLED ? '' : `${'#'.repeat(level + 1)} `;
  return changeBeginnings(view, lines.map((line) => [line, HEADING.exec(line.text)?.[0].length ?? 0, next]));
};

const kindOf = (text) => {
  const found = LIST.exec(text);
  if (!found) return null;
  if (found[3]) return 'task';
  return found[2] ? 'bullet' : 'number';
};

/** `kind` is `bullet`, `number` or `task`. */
export const toggleList = (kind) => (view) => {
  const lines = written(selectedLines(view.state));
  const remove = lines.every((line) => kindOf(line.text) === kind);
  const markers = { bullet: () => '- ', number: (i) => `${i + 1}. `, task: () => '- [ ] ' };
  return changeBeginnings(view, lines.map((line, i) => {
    const found = LIST.exec(line.text);
    const blank = found?.[1] ?? /^\s*/.exec(line.text)[0];
    return [line, found?.[0].length ?? blank.length, blank + (remove ? '' : markers[kind](i))];
  }));
};

/** `> `, `>! ` or `>| ` before every line, blank ones between them included. */
const toggleSign = (sign) => (view) => {
  const lines = selectedLines(view.state);
  const old = new RegExp(`^${sign.replace('|', '\\|')} ?`);
  const remove = written(lines).every((line) => old.test(line.text));
  return changeBeginnings(view, lines.map((line) => [line, remove ? (old.exec(line.text)?.[0].length ?? 0) : 0, remove ? '' : `${sign} `]));
};
export const toggleQuote = toggleSign('>');
export const toggleSpoiler = toggleSign('>!');

const signFold = toggleSign('>|');
export const toggleFold = (view) => {
  const lines = selectedLines(view.state);
  if (lines[0].text.startsWith('>|')) return signFold(view);
  signFold(view);
  const head = '>| # ', words = say('Summary');
  const at = lines[0].from;
  view.dispatch({ changes: { from: at, insert: `${head}${words}\n` }, selection: { anchor: at + head.length, head: at + head.length + words.length }, userEvent: 'input.format' });
  return true;
};

const ALERT = /^> ?\[!(\w+)\].*$/;

/** The head of the alert that `line` is in, and its last line. */
const alertAt = (doc, line) => {
  const quoted = (n) => n >= 1 && n <= doc.lines && doc.line(n).text.startsWith('>');
  let first = line;
  while (quoted(first) && !ALERT.test(doc.line(first).text)) first -= 1;
  if (!quoted(first)) return null;
  let last = first;
  while (quoted(last + 1) && !ALERT.test(doc.line(last + 1).text)) last += 1;
  return { head: doc.line(first), first, last };
};

/** An alert of another kind changes its kind, one of the same kind becomes plain text. */
export const toggleAlert = (kind) => (view) => {
  const { state } = view;
  const lines = selectedLines(state);
  const alert = alertAt(state.doc, lines[0].number);
  if (alert && ALERT.exec(alert.head.text)[1].toUpperCase() !== kind) {
    const at = alert.head.from + alert.head.text.indexOf('[!') + 2;
    view.dispatch({ changes: { from: at, to: at + ALERT.exec(alert.head.text)[1].length, insert: kind }, userEvent: 'input.format' });
    return true;
  }
  if (alert) {
    const end = Math.min(alert.head.to + 1, state.doc.length);
    const signs = Array.from({ length: alert.last - alert.first }, (_, i) => state.doc.line(alert.first + 1 + i))
      .map((line) => ({ from: line.from, to: line.from + /^> ?/.exec(line.text)[0].length }));
    view.dispatch({ changes: [{ from: alert.head.from, to: end }, ...signs], userEvent: 'input.format' });
    return true;
  }
  const changes = state.changes(lines.map((line, i) => ({ from: line.from, insert: i ? '> ' : `> [!${kind}]\n> ` })));
  view.dispatch({ changes, selection: state.selection.map(changes, 1), scrollIntoView: true, userEvent: 'input.format' });
  return true;
};

/** Lines between fences; in a fenced block the fences go. */
export const toggleFence = (view) => {
  const { state } = view;
  const lines = selectedLines(state);
  const inside = around(state, state.selection.main.head, ['FencedCode']);
  if (inside) {
    const [open, close] = [state.doc.lineAt(inside.from), state.doc.lineAt(inside.to)];
    const changes = [{ from: open.from, to: Math.min(open.to + 1, state.doc.length) }];
    if (close.number > open.number && /^[\s>]*(`{3,}|~{3,})\s*$/.test(close.text)) changes.push({ from: close.from - 1, to: close.to });
    // An empty block: both changes would take the same line break.
    if (changes[1]?.from < changes[0].to) changes[1].from = changes[0].to;
    view.dispatch({ changes, userEvent: 'input.format' });
    return true;
  }
  const text = state.sliceDoc(lines[0].from, lines.at(-1).to);
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const changes = state.changes([{ from: lines[0].from, insert: `${fence}\n` }, { from: lines.at(-1).to, insert: `\n${fence}` }]);
  const { anchor, head } = state.selection.main;
  // The end of the selection stays inside, also where the fence is put right behind it.
  const selection = EditorSelection.single(anchor + fence.length + 1, head + fence.length + 1);
  view.dispatch({ changes, selection, scrollIntoView: true, userEvent: 'input.format' });
  return true;
};

// Marks around words: strong, emphasis, struck out, code. Each is a toggle for the selection, or for the word at the cursor.

import { EditorSelection } from '@codemirror/state';

/** What begins a line and is not part of its words. */
const BLOCK_SIGNS = /^\s*(?:>[!|]?\s?)*\s*(?:#{1,6}\s+|(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?)?/;

export const toggleMark = (mark) => ({ state, dispatch }) => {
  const { main } = state.selection;
  const pieces = wordsOf(state, main);
  const first = pieces[0];
  const remove = Boolean(marksOf(state, first, mark));
  const changes = pieces.flatMap((piece) => {
    const found = marksOf(state, piece, mark);
    if (remove) return found ?? [];
    return found ? [] : [{ from: piece.from, insert: mark }, { from: piece.to, insert: mark }];
  });
  const set = state.changes(changes);
  const last = pieces.at(-1);
  let selection;
  if (first.from === last.to) selection = EditorSelection.cursor(remove ? set.mapPos(first.from) : first.from + mark.length);
  else if (main.empty) selection = EditorSelection.cursor(set.mapPos(main.head, main.head === last.to ? -1 : 1));
  else selection = EditorSelection.range(set.mapPos(first.from, 1), set.mapPos(last.to, -1));
  dispatch(state.update({ changes: set, selection, scrollIntoView: true, userEvent: 'input.format' }));
  return true;
};

/** The words to mark, line by line, because no mark reaches across paragraphs and items. */
const wordsOf = (state, range) => {
  if (range.empty) {
    const word = state.wordAt(range.head);
    return [word ? { from: word.from, to: word.to } : { from: range.head, to: range.head }];
  }
  const pieces = [];
  for (let at = range.from; at <= range.to;) {
    const line = state.doc.lineAt(at);
    const begin = Math.max(range.from, line.from + BLOCK_SIGNS.exec(line.text)[0].length);
    const text = state.sliceDoc(begin, Math.max(begin, Math.min(range.to, line.to)));
    const from = begin + text.length - text.trimStart().length;
    if (text.trim()) pieces.push({ from, to: from + text.trim().length });
    at = line.to + 1;
  }
  return pieces.length ? pieces : [{ from: range.from, to: range.from }];
};

const leading = (text, sign) => text.length - text.replace(new RegExp(`^\\${sign}+`), '').length;
const trailing = (text, sign) => text.length - text.replace(new RegExp(`\\${sign}+$`), '').length;

/** The changes that take the mark away; null if it is not there. Three stars are both marks of one sign, one star is one of them. */
const marksOf = (state, { from, to }, mark) => {
  const sign = mark[0], size = mark.length;
  const has = (count) => (size === 1 ? count % 2 === 1 : count >= size);
  const without = (left, right) => [{ from: left, to: left + size }, { from: right, to: right + size }];
  const outside = Math.min(trailing(state.sliceDoc(Math.max(0, from - 3), from), sign), leading(state.sliceDoc(to, to + 3), sign));
  if (has(outside)) return without(from - size, to);
  const text = state.sliceDoc(from, to);
  const inside = Math.min(leading(text, sign), trailing(text, sign));
  return has(inside) && text.length > 2 * size ? without(from, to - size) : null;
};

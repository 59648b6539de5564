// Enter in a list, a task list or a quote begins the next item; on an empty item it ends the list.

import { inCode } from './language.js';

const QUOTE = /^\s*(?:>[!|]? ?)*/;
const MARKER = /^(\s*)(?:([-*+])|(\d{1,9})([.)]))(\s+)(\[[ xX]\]\s+)?/;

/** What the line begins with, in parts; null if Enter means nothing there. */
const beginning = (text) => {
  const quote = QUOTE.exec(text)[0];
  const found = MARKER.exec(text.slice(quote.length));
  if (!found && !quote.includes('>')) return null;
  const length = quote.length + (found?.[0].length ?? 0);
  return { quote, found, length, empty: text.slice(length).trim() === '' };
};

const nextOf = ({ quote, found }) => {
  if (!found) return quote;
  const [, space, bullet, number, dot, gap, task] = found;
  return quote + space + (bullet ?? Number(number) + 1 + dot) + gap + (task ? '[ ] ' : '');
};

export const continueMarkup = ({ state, dispatch }) => {
  const { main } = state.selection;
  const line = state.doc.lineAt(main.head);
  const begins = main.empty && beginning(line.text);
  if (!begins || main.head - line.from < begins.length || inCode(state, main.head)) return false;
  const userEvent = 'input';
  if (begins.empty) {
    // The quote around a list stays; a quote alone ends.
    const from = line.from + (begins.found ? begins.quote.length : 0);
    dispatch(state.update({ changes: { from, to: line.to }, selection: { anchor: from }, scrollIntoView: true, userEvent }));
    return true;
  }
  const insert = `\n${nextOf(begins)}`;
  // Blanks before the cursor would end the old line and mean a line break.
  const trailing = /\s*$/.exec(line.text.slice(begins.length, main.head - line.from))[0].length;
  const from = main.head - trailing;
  dispatch(state.update({ changes: { from, to: main.head, insert }, selection: { anchor: from + insert.length }, scrollIntoView: true, userEvent }));
  return true;
};

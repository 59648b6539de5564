// What the toolbar puts into the text: links, footnotes, blocks.

import { around } from './language.js';
import { say } from './say.js';

const ADDRESS = /^(?:https?:\/\/|mailto:)\S+$/;

/** An address that has blanks or brackets needs angles around it. */
export const destination = (address) => (/[\s()<>]/.test(address) ? `<${address.replace(/[<>]/g, encodeURIComponent)}>` : address);

export const insertLink = ({ state, dispatch }) => {
  const { main } = state.selection;
  const link = around(state, main.head, ['Link']);
  const inner = link && /^\[([^]*)\](?:\([^]*\)|\[[^]*\])?$/.exec(state.sliceDoc(link.from, link.to));
  if (inner) {
    dispatch(state.update({ changes: { from: link.from, to: link.to, insert: inner[1] }, selection: { anchor: link.from, head: link.from + inner[1].length }, userEvent: 'input.format' }));
    return true;
  }
  const words = main.empty ? (state.wordAt(main.head) ?? main) : main;
  const text = state.sliceDoc(words.from, words.to);
  const isAddress = ADDRESS.test(text.trim());
  const insert = isAddress ? `[](${destination(text.trim())})` : `[${text}]()`;
  const anchor = isAddress || !text ? words.from + 1 : words.from + insert.length - 1;
  dispatch(state.update({ changes: { from: words.from, to: words.to, insert }, selection: { anchor }, scrollIntoView: true, userEvent: 'input' }));
  return true;
};

/** The change that puts a block of lines on its own, and where in the text it begins. */
export const blockAt = (state, at, text) => {
  const line = state.doc.lineAt(at);
  if (line.text.trim() === '') {
    const above = line.number > 1 && state.doc.line(line.number - 1).text.trim() !== '' ? '\n' : '';
    const below = line.number < state.doc.lines && state.doc.line(line.number + 1).text.trim() !== '' ? '\n' : '';
    return { change: { from: line.from, to: line.to, insert: above + text + below }, start: line.from + above.length };
  }
  const below = line.number < state.doc.lines && state.doc.line(line.number + 1).text.trim() === '' ? '' : '\n';
  return { change: { from: line.to, insert: `\n\n${text}${below}` }, start: line.to + 2 };
};

/** Inserts a block and selects `words` in it, for writing over them. */
const insertBlock = (view, text, words) => {
  const { change, start } = blockAt(view.state, view.state.selection.main.head, text);
  const anchor = start + text.indexOf(words);
  view.dispatch({ changes: change, selection: { anchor, head: anchor + words.length }, scrollIntoView: true, userEvent: 'input' });
  return true;
};

export const insertDiagram = (view) => insertBlock(view, `\`\`\`mermaid\nflowchart LR\n  ${say('A[Start] --> B[End]')}\n\`\`\``, say('A[Start] --> B[End]'));

/** A mark at the cursor, its note at the end of the page, where writing goes on. */
export const insertFootnote = ({ state, dispatch }) => {
  const text = state.doc.toString();
  const used = [...text.matchAll(/\[\^(\d+)\]/g)].map(([, number]) => Number(number));
  const mark = `[^${Math.max(0, ...used) + 1}]`;
  const { to, empty, head } = state.selection.main;
  const at = empty ? (state.wordAt(head)?.to ?? head) : to;
  const end = text.trimEnd().length;
  // Notes stand below each other, and apart from the text.
  const last = text.slice(0, end).split('\n').at(-1);
  const note = `${/^\[\^[^\]]+\]:/.test(last) && at < end - last.length ? '\n' : '\n\n'}${mark}: `;
  const changes = state.changes([{ from: at, insert: mark }, { from: Math.max(end, at), to: text.length, insert: `${note}\n` }]);
  dispatch(state.update({ changes, selection: { anchor: changes.newLength - 1 }, scrollIntoView: true, userEvent: 'input' }));
  return true;
};

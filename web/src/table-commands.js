// The table at the cursor: found, changed, walked through.

import { blockAt } from './insert.js';
import { around } from './language.js';
import { addRow, cellsOf, findTable, newTable, readTable, writeTable } from './table-model.js';

/** The table the cursor is in, and the cell; null outside and in code. The delimiter line counts as the heading. */
export const tableAt = (state) => {
  const { head } = state.selection.main;
  const line = state.doc.lineAt(head);
  if (!line.text.includes('|') && line.text.trim() === '') return null;
  const found = findTable((n) => state.doc.line(n).text, state.doc.lines, line.number);
  if (!found || around(state, head, ['FencedCode', 'CodeBlock'])) return null;
  const lines = Array.from({ length: found.last - found.first + 1 }, (_, i) => state.doc.line(found.first + i));
  const cells = cellsOf(line.text);
  const place = head - line.from;
  const column = cells.findIndex((cell, i) => place <= cell.to || i === cells.length - 1 || place < cells[i + 1].from - 1);
  const index = line.number - found.first;
  return { lines, row: index < 2 ? 0 : index - 1, column, onDelimiter: index === 1 };
};

/** Row and column of a table's text as a selection of what is in the cell. */
const selectCell = (lines, start, row, column) => {
  const index = row === 0 ? 0 : row + 1;
  const before = lines.slice(0, index).reduce((sum, line) => sum + line.length + 1, start);
  const cells = cellsOf(lines[index]);
  const cell = cells[Math.min(column, cells.length - 1)];
  return { anchor: before + cell.from, head: before + cell.to };
};

const replaceTable = (view, { lines }, result) => {
  const text = writeTable(result.table);
  const [from, to] = [lines[0].from, lines.at(-1).to];
  const selection = selectCell(text, from, result.row, result.column);
  view.dispatch({ changes: { from, to, insert: text.join('\n') }, selection, scrollIntoView: true, userEvent: 'input.format' });
  return true;
};

/** A command from a change of `table-model.js`. */
export const changeTable = (change) => (view) => {
  const at = tableAt(view.state);
  const result = at && change(readTable(at.lines.map((line) => line.text)), at);
  return result ? replaceTable(view, at, result) : false;
};

const straighten = changeTable((table, { row, column }) => ({ table, row, column }));

export const formatOrInsertTable = (view) => {
  if (tableAt(view.state)) return straighten(view);
  const lines = writeTable(newTable());
  const { change, start } = blockAt(view.state, view.state.selection.main.head, lines.join('\n'));
  view.dispatch({ changes: change, selection: selectCell(lines, start, 0, 0), scrollIntoView: true, userEvent: 'input' });
  return true;
};

const step = (by) => (view) => {
  const at = tableAt(view.state);
  if (!at) return false;
  const texts = at.lines.map((line) => line.text);
  const columns = cellsOf(texts[0]).length;
  const next = at.onDelimiter ? (by > 0 ? columns : columns - 1) : at.row * columns + Math.min(at.column, columns - 1) + by;
  const row = Math.floor(next / columns);
  if (next < 0) return true;
  if (row >= texts.length - 1) return changeTable(addRow)(view);
  view.dispatch({ selection: selectCell(texts, at.lines[0].from, row, next % columns), scrollIntoView: true, userEvent: 'select' });
  return true;
};

/** In the last cell a new row begins. */
export const toNextCell = step(1);
export const toPreviousCell = step(-1);

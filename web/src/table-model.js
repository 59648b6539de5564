// Tables as text: taken apart, changed, written with straight columns. Knows nothing of the editor.

import { say } from './say.js';

const PREFIX = /^\s*(?:>[!|]?\s?)*\s*/;
const DELIMITER_CELL = /^:?-+:?$/;
const NARROWEST = 3;
/** Further up nobody looks for the head: this is asked at every keystroke. */
const LONGEST = 2000;

/** Where the bars are that end cells: not escaped, not in code, not in a wikilink. */
const barsOf = (line) => {
  const bars = [];
  for (let at = 0; at < line.length; at += 1) {
    const sign = line[at];
    if (sign === '\\') at += 1;
    else if (sign === '`') at = endOfCode(line, at);
    else if (sign === '[' && line[at + 1] === '[') at = endOfLink(line, at);
    else if (sign === '|') bars.push(at);
  }
  return bars;
};

const endOfCode = (line, at) => {
  const ticks = /^`+/.exec(line.slice(at))[0];
  const after = at + ticks.length;
  const end = [...line.slice(after).matchAll(/`+/g)].find(([run]) => run.length === ticks.length);
  return end ? after + end.index + ticks.length - 1 : after - 1;
};

const endOfLink = (line, at) => {
  const end = line.indexOf(']]', at + 2);
  return end < 0 || line.slice(at + 2, end).includes('[') ? at : end + 1;
};

/** The cells of a line: `text`, and from where to where it stands in the line (between the bars where it is empty). */
export const cellsOf = (line) => {
  const start = PREFIX.exec(line)[0].length;
  const bars = barsOf(line).filter((at) => at >= start);
  const edges = [...bars];
  if (edges[0] !== start) edges.unshift(start - 1);
  const last = edges.at(-1);
  if (edges.length === 1 || line.slice(last + 1).trim() !== '') edges.push(line.length);
  return edges.slice(1).map((end, i) => {
    const raw = line.slice(edges[i] + 1, end);
    const text = raw.trim();
    const from = edges[i] + 1 + (text ? raw.length - raw.trimStart().length : Math.min(1, raw.length));
    return { text, from, to: from + text.length };
  });
};

export const isDelimiter = (line) => {
  const text = line.slice(PREFIX.exec(line)[0].length);
  return text.includes('-') && /^[\s|:-]+$/.test(text) && cellsOf(line).every((cell) => DELIMITER_CELL.test(cell.text));
};

const hasBar = (line) => barsOf(line).length > 0;
const endsTable = (line) => /^\s*$|^\s*(?:#{1,6}\s|```|~~~|\}\}|:::)/.test(line) || line.slice(PREFIX.exec(line)[0].length) === '';

/** The first and last line of the table that line `at` is in (all from 1), or null. `line(n)` is the text of one. */
export const findTable = (line, count, at) => {
  const isHead = (n) => n < count && isDelimiter(line(n + 1)) && !isDelimiter(line(n))
    && (hasBar(line(n)) || hasBar(line(n + 1))) && cellsOf(line(n)).length === cellsOf(line(n + 1)).length;
  for (let head = at; head >= Math.max(1, at - LONGEST) && !endsTable(line(head)); head -= 1) {
    if (!isHead(head)) continue;
    let last = head + 1;
    while (last < count && !endsTable(line(last + 1))) last += 1;
    return at <= last ? { first: head, last } : null;
  }
  return null;
};

const alignOf = (text) => {
  const [left, right] = [text.startsWith(':'), text.endsWith(':')];
  if (left && right) return 'center';
  if (right) return 'right';
  return left ? 'left' : '';
};

/** `rows[0]` is the heading. Rows that are too short are filled up. */
export const readTable = (lines) => {
  const rows = lines.filter((_, i) => i !== 1).map((line) => cellsOf(line).map((cell) => cell.text));
  const columns = rows[0].length;
  const aligns = cellsOf(lines[1]).map((cell) => alignOf(cell.text));
  // Cells behind the last column are not shown, but they are somebody's words: they stay.
  const filled = rows.map((row) => [...row, ...Array(Math.max(0, columns - row.length)).fill('')]);
  return { prefix: PREFIX.exec(lines[0])[0], aligns, rows: filled };
};

const widthOf = (text) => [...text].length;

const pad = (text, width, align) => {
  const blanks = Math.max(0, width - widthOf(text));
  if (align === 'right') return ' '.repeat(blanks) + text;
  const left = align === 'center' ? Math.floor(blanks / 2) : 0;
  return ' '.repeat(left) + text + ' '.repeat(blanks - left);
};

const dashes = (width, align) => {
  const line = '-'.repeat(width);
  if (align === 'center') return `:${line.slice(2)}:`;
  if (align === 'right') return `${line.slice(1)}:`;
  return align === 'left' ? `:${line.slice(1)}` : line;
};

/** The lines of the table, columns straight. */
export const writeTable = ({ prefix, aligns, rows }) => {
  const widths = Array.from({ length: Math.max(...rows.map((row) => row.length)) }, (_, column) =>
    Math.max(NARROWEST, ...rows.map((row) => widthOf(row[column] ?? ''))));
  const write = (cells) => `${prefix}| ${cells.join(' | ')} |`;
  const lines = rows.map((row) => write(row.map((cell, column) => pad(cell, widths[column], aligns[column]))));
  const delimiter = write(aligns.map((align, column) => dashes(widths[column], align)));
  return [lines[0], delimiter, ...lines.slice(1)];
};

/** A table to begin with. */
export const newTable = (columns = 3, rows = 2) => ({
  prefix: '',
  aligns: Array(columns).fill(''),
  rows: [Array.from({ length: columns }, (_, i) => say('Column {}', i + 1)), ...Array.from({ length: rows }, () => Array(columns).fill(''))],
});

const inserted = (list, at, item) => [...list.slice(0, at), item, ...list.slice(at)];
const without = (list, at) => list.filter((_, i) => i !== at);
const swapped = (list, a, b) => list.map((item, i) => (i === a ? list[b] : i === b ? list[a] : item));
const eachRow = (table, change) => ({ ...table, rows: table.rows.map(change) });

// Changes take a table and the cell at hand, and return the table with the cell to be at afterwards; null if they cannot be.

export const addRow = (table, { row }) => ({ table: { ...table, rows: inserted(table.rows, row + 1, table.aligns.map(() => '')) }, row: row + 1, column: 0 });

export const removeRow = (table, { row, column }) => (row === 0 ? null
  : { table: { ...table, rows: without(table.rows, row) }, row: Math.min(row, table.rows.length - 2), column });

/** The heading stays where it is. */
export const moveRow = (by) => (table, { row, column }) => {
  const to = row + by;
  if (row < 1 || to < 1 || to >= table.rows.length) return null;
  return { table: { ...table, rows: swapped(table.rows, row, to) }, row: to, column };
};

export const addColumn = (table, { row, column }) => {
  const wider = eachRow(table, (cells) => inserted(cells, column + 1, ''));
  return { table: { ...wider, aligns: inserted(table.aligns, column + 1, '') }, row, column: column + 1 };
};

export const removeColumn = (table, { row, column }) => {
  if (table.aligns.length < 2) return null;
  const narrower = eachRow(table, (cells) => without(cells, column));
  return { table: { ...narrower, aligns: without(table.aligns, column) }, row, column: Math.min(column, table.aligns.length - 2) };
};

export const moveColumn = (by) => (table, { row, column }) => {
  const to = column + by;
  if (to < 0 || to >= table.aligns.length) return null;
  const moved = eachRow(table, (cells) => swapped(cells, column, to));
  return { table: { ...moved, aligns: swapped(table.aligns, column, to) }, row, column: to };
};

/** The same again takes the alignment away. */
export const alignColumn = (align) => (table, { row, column }) => ({
  table: { ...table, aligns: table.aligns.map((old, i) => (i !== column ? old : old === align ? '' : align)) }, row, column,
});

// A small toolbar below the text, as long as the cursor is in a table.

import { StateField } from '@codemirror/state';
import { showPanel } from '@codemirror/view';
import { arrowKeys } from './arrow-keys.js';
import { make, makeButton } from './dom.js';
import { changeTable, formatOrInsertTable, tableAt } from './table-commands.js';
import { addColumn, addRow, alignColumn, moveColumn, moveRow, removeColumn, removeRow } from './table-model.js';

const TOOLS = [
  ['Row +', 'Add a row below', changeTable(addRow)],
  ['Row −', 'Remove this row', changeTable(removeRow)],
  ['Row ↑', 'Move this row up', changeTable(moveRow(-1))],
  ['Row ↓', 'Move this row down', changeTable(moveRow(1))],
  ['Column +', 'Add a column to the right', changeTable(addColumn)],
  ['Column −', 'Remove this column', changeTable(removeColumn)],
  ['Column ←', 'Move this column to the left', changeTable(moveColumn(-1))],
  ['Column →', 'Move this column to the right', changeTable(moveColumn(1))],
  ['Left', 'Align this column to the left', changeTable(alignColumn('left'))],
  ['Center', 'Center this column', changeTable(alignColumn('center'))],
  ['Right', 'Align this column to the right', changeTable(alignColumn('right'))],
  ['Straighten', 'Straighten the columns', formatOrInsertTable],
];

const panel = (view) => {
  const dom = make('div', { class: 'table-tools', role: 'toolbar', 'aria-label': 'Table' });
  for (const [text, label, command] of TOOLS) {
    const run = () => {
      command(view);
      view.focus();
    };
    dom.append(makeButton({ class: 'tool', 'aria-label': label, title: label }, run, text));
  }
  arrowKeys(dom);
  return { dom };
};

export const tableTools = StateField.define({
  create: (state) => Boolean(tableAt(state)),
  update: (shown, { state, selection, docChanged }) => (selection || docChanged ? Boolean(tableAt(state)) : shown),
  provide: (field) => showPanel.from(field, (shown) => (shown ? panel : null)),
});

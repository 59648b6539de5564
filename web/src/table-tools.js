// A small toolbar below the text, as long as the cursor is in a table.

import { StateField } from '@codemirror/state';
import { showPanel } from '@codemirror/view';
import { arrowKeys } from './arrow-keys.js';
import { make, makeButton } from './dom.js';
import { say } from './say.js';
import { changeTable, formatOrInsertTable, tableAt } from './table-commands.js';
import { addColumn, addRow, alignColumn, moveColumn, moveRow, removeColumn, removeRow } from './table-model.js';

const TOOLS = [
  [say('Row +'), say('Add a row below'), changeTable(addRow)],
  [say('Row −'), say('Remove this row'), changeTable(removeRow)],
  [say('Row ↑'), say('Move this row up'), changeTable(moveRow(-1))],
  [say('Row ↓'), say('Move this row down'), changeTable(moveRow(1))],
  [say('Column +'), say('Add a column to the right'), changeTable(addColumn)],
  [say('Column −'), say('Remove this column'), changeTable(removeColumn)],
  [say('Column ←'), say('Move this column to the left'), changeTable(moveColumn(-1))],
  [say('Column →'), say('Move this column to the right'), changeTable(moveColumn(1))],
  [say('Left'), say('Align this column to the left'), changeTable(alignColumn('left'))],
  [say('Center'), say('Center this column'), changeTable(alignColumn('center'))],
  [say('Right'), say('Align this column to the right'), changeTable(alignColumn('right'))],
  [say('Straighten'), say('Straighten the columns'), formatOrInsertTable],
];

const panel = (view) => {
  const dom = make('div', { class: 'table-tools', role: 'toolbar', 'aria-label': say('Table') });
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

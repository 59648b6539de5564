// A sign typed over a selection goes around it.

import { EditorSelection } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

const SIGNS = ['*', '_', '~', '`', '=', '"'];

export const surroundSelection = EditorView.inputHandler.of((view, from, to, typed) => {
  const { main } = view.state.selection;
  if (main.empty || from !== main.from || to !== main.to || !SIGNS.includes(typed) || view.composing) return false;
  if (view.state.sliceDoc(from, to).includes('\n')) return false;
  view.dispatch({
    changes: [{ from, insert: typed }, { from: to, insert: typed }],
    selection: EditorSelection.single(from + 1, to + 1),
    userEvent: 'input.type',
  });
  return true;
});

// Every line runs as its own text does: Hebrew and Arabic from the right, in any wiki. A line without letters runs as the interface does.

import { RangeSetBuilder } from '@codemirror/state';
import { Decoration, EditorView, ViewPlugin } from '@codemirror/view';

const LETTER = /\p{L}/u;
const auto = Decoration.line({ attributes: { dir: 'auto' } });

const decorate = (view) => {
  const found = new RangeSetBuilder();
  for (const { from, to } of view.visibleRanges) {
    for (let at = from; at <= to;) {
      const line = view.state.doc.lineAt(at);
      if (LETTER.test(line.text)) found.add(line.from, line.from, auto);
      at = line.to + 1;
    }
  }
  return found.finish();
};

const lines = ViewPlugin.define((view) => ({
  decorations: decorate(view),
  update(update) {
    if (update.docChanged || update.viewportChanged) this.decorations = decorate(update.view);
  },
}), { decorations: (plugin) => plugin.decorations });

export const direction = [EditorView.perLineTextDirection.of(true), lines];

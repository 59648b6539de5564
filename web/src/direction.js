// Every line runs as its own text does: Hebrew and Arabic from the right, in any wiki. A line without letters runs as the one before it.

import { RangeSetBuilder } from '@codemirror/state';
import { Decoration, EditorView, ViewPlugin } from '@codemirror/view';

const FIRST_LETTER = /\p{L}/u;
const FROM_THE_RIGHT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC]/u;
/** How much of the text decides for lines without letters before the first one on screen. */
const BEGINNING = 2000;

const ways = { ltr: Decoration.line({ attributes: { dir: 'ltr' } }), rtl: Decoration.line({ attributes: { dir: 'rtl' } }) };

const directionOf = (text) => {
  const letter = FIRST_LETTER.exec(text)?.[0];
  return letter && (FROM_THE_RIGHT.test(letter) ? 'rtl' : 'ltr');
};

const decorate = ({ state, visibleRanges }) => {
  const found = new RangeSetBuilder();
  let last = directionOf(state.sliceDoc(0, BEGINNING));
  for (const { from, to } of visibleRanges) {
    for (let at = from; at <= to;) {
      const line = state.doc.lineAt(at);
      last = directionOf(line.text) ?? last;
      if (last) found.add(line.from, line.from, ways[last]);
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

// The text as the form brought it: what is left where CodeMirror cannot start.

/** A source of text. `codemirror.js` makes the other kind. */
export const textareaSource = (area) => ({
  text: () => area.value,
  cursor: () => {
    const lines = area.value.slice(0, area.selectionStart).split('\n');
    return { line: lines.length - 1, ch: lines.at(-1).length };
  },
  onChange: (changed) => area.addEventListener('input', changed),
  focus: () => area.focus(),
  show: () => { /* the style sheet hides a textarea by the form's mode */ },
  store: () => { /* the textarea is what is sent */ },
  busy: () => false,
  settled: async () => {},
});

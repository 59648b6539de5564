// Write, split, preview: which of the two panes are there. The last choice is remembered.

import { $$, remember, remembered } from './dom.js';

const KEY = 'holt.editor';
const MODES = ['write', 'split', 'preview'];

export const startModes = (form, source, preview) => {
  let before = 'write';
  const set = (mode) => {
    if (mode !== 'preview') before = mode;
    form.dataset.mode = mode;
    source.show(mode !== 'preview');
    for (const button of $$('[data-set-mode]', form)) button.setAttribute('aria-pressed', button.dataset.setMode === mode);
    preview.refresh();
  };
  const choose = (mode) => {
    remember(KEY, mode);
    set(mode);
  };
  /** Where the text vanishes the focus goes to the preview, so that the same key leads back. */
  const togglePreview = () => {
    if (!preview.pane) return;
    const back = form.dataset.mode === 'preview';
    choose(back ? before : 'preview');
    if (back) source.focus();
    else preview.pane.focus();
  };

  if (preview.pane) {
    const last = remembered(KEY);
    const usual = matchMedia('(min-width: 70rem)').matches ? 'split' : 'write';
    const mode = MODES.includes(last) ? last : usual;
    before = mode === 'preview' ? usual : mode;
    set(form.hasAttribute('data-show-preview') ? 'preview' : mode);
  }
  form.addEventListener('click', (event) => {
    const button = event.target.closest('[data-set-mode]');
    if (button) choose(button.dataset.setMode);
  });
  return { togglePreview };
};

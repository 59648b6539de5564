// What the page will look like, made by the server while somebody writes.

import { startBlocks } from './blocks.js';
import { $ } from './dom.js';
import { post } from './requests.js';
import { say } from './say.js';
import { parseRendered } from './trusted.js';

/** After a rest the preview follows at once; then it is asked for no more often than this. */
const REST_MS = 150;
/** What is typed in one stroke, or pasted and moved to, comes together. */
const GATHER_MS = 15;

export const startPreview = (form, source) => {
  const pane = $('[data-preview]', form);
  const blocks = pane && startBlocks(pane);
  let shown = null, asking = false, again = false, timer = 0, begun = 0, took = 0;

  const refresh = async () => {
    clearTimeout(timer);
    timer = 0;
    const sent = source.text();
    if (!pane || form.dataset.mode === 'write' || shown === sent) return;
    // One request at a time; what is written meanwhile is asked for afterwards.
    again = asking;
    if (asking) return;
    asking = true;
    begun = performance.now();
    try {
      const body = new URLSearchParams({ content: sent, cursor_line: source.cursor().line });
      const answer = await post(form, form.dataset.previewUrl, body);
      if (!answer.ok) throw new Error(say('the server answered {}', answer.status));
      blocks.show(parseRendered((await answer.json()).preview_content));
      follow(pane);
      shown = sent;
    } catch (error) {
      blocks.clear();
      pane.textContent = say('No preview: {}. Your text is still here.', error.message);
      shown = null;
    }
    asking = false;
    took = performance.now() - begun;
    if (again) soon();
  };
  // A page that takes long to render is asked for less often.
  const soon = () => {
    const next = begun + Math.max(REST_MS, 2 * took);
    timer ||= setTimeout(refresh, Math.max(GATHER_MS, next - performance.now()));
  };

  if (pane) source.onChange(soon);
  return { refresh, pane };
};

/** What is written stands in the upper third, unless it can be seen already. */
const follow = (pane) => {
  const mark = $('#otterwiki_cursor', pane);
  const at = mark ? mark.getBoundingClientRect().top - pane.getBoundingClientRect().top : 0;
  if (mark && (at < 0 || at > pane.clientHeight * 0.8)) pane.scrollTop += at - pane.clientHeight / 3;
  pane.dispatchEvent(new CustomEvent('holt:shown', { bubbles: true }));
};

// What the page will look like, made by the server while somebody writes.

import { $ } from './dom.js';
import { post } from './requests.js';
import { say } from './say.js';
import { showRendered } from './trusted.js';

const PAUSE_MS = 150;

export const startPreview = (form, source) => {
  const pane = $('[data-preview]', form);
  let shown = null, asking = false, again = false, timer = 0, took = 0;

  const refresh = async () => {
    clearTimeout(timer);
    timer = 0;
    const sent = source.text();
    if (!pane || form.dataset.mode === 'write' || shown === sent) return;
    // One request at a time; what is written meanwhile is asked for afterwards.
    again = asking;
    if (asking) return;
    asking = true;
    const start = performance.now();
    try {
      const body = new URLSearchParams({ content: sent, cursor_line: source.cursor().line });
      const answer = await post(form, form.dataset.previewUrl, body);
      if (!answer.ok) throw new Error(say('the server answered {}', answer.status));
      show(pane, (await answer.json()).preview_content);
      shown = sent;
    } catch (error) {
      pane.textContent = say('No preview: {}. Your text is still here.', error.message);
      shown = null;
    }
    asking = false;
    took = performance.now() - start;
    if (again) soon();
  };
  // A page that takes long to render is asked for less often.
  const soon = () => { timer ||= setTimeout(refresh, Math.max(PAUSE_MS, took)); };

  if (pane) source.onChange(soon);
  return { refresh, pane };
};

const show = (pane, rendered) => {
  showRendered(pane, rendered);
  const mark = $('#otterwiki_cursor', pane);
  const at = mark ? mark.getBoundingClientRect().top - pane.getBoundingClientRect().top : 0;
  // What is written stands in the upper third, unless it can be seen already.
  if (mark && (at < 0 || at > pane.clientHeight * 0.8)) pane.scrollTop += at - pane.clientHeight / 3;
  pane.dispatchEvent(new CustomEvent('holt:shown', { bubbles: true }));
};

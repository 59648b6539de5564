// Unsaved work is kept on the server. What is kept is compared with what is there, so that nothing is sent twice.

import { $ } from './dom.js';
import { post } from './requests.js';

const PAUSE_MS = 6000;
/** Browsers refuse to send more than 64 KiB after a page is gone. */
const LARGEST_KEEPALIVE = 60_000;

export const startDrafts = (form, source, visit) => {
  // One that waits for a decision is not written over.
  const url = 'draftWaits' in form.dataset ? undefined : form.dataset.draftUrl;
  let kept = source.text(), timer = 0;

  /** Whether the text is safe on the server afterwards. */
  const keep = async () => {
    clearTimeout(timer);
    const text = source.text();
    if (!url || visit.leaving || text === kept) return Boolean(url);
    kept = text;
    const { line, ch } = source.cursor();
    const revision = $('[name=revision]', form)?.value ?? '';
    const body = new URLSearchParams({ content: text, revision, cursor_line: line, cursor_ch: ch });
    const answer = await post(form, url, body, { keepalive: String(body).length < LARGEST_KEEPALIVE }).catch(() => null);
    if (!answer?.ok) kept = null;
    return Boolean(answer?.ok);
  };
  /** Forgets what was kept. */
  const discard = async () => {
    clearTimeout(timer);
    // The address may end in a query that names a section.
    const gone = url?.replace(/(?=\?|$)/, '/discard');
    if (gone) await post(form, gone, new URLSearchParams(), { redirect: 'manual' }).catch(() => null);
  };

  source.onChange(() => {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE_MS);
  });
  document.addEventListener('visibilitychange', () => { if (document.hidden) keep(); });
  window.addEventListener('pagehide', () => { keep(); });
  return { keep, discard, possible: Boolean(url) };
};

// Who else has this page open for editing, said in a quiet line.

import { $ } from './dom.js';
import { post } from './requests.js';
import { locale, say } from './say.js';

const EVERY_MS = 20_000;

export const startPresence = (form) => {
  const url = form.dataset.presenceUrl;
  const line = $('[data-presence]', form) ?? $('[data-presence]');
  if (!url || !line) return;
  const tell = async () => {
    if (document.hidden) return;
    const answer = await post(form, url, new URLSearchParams({ active: 1 })).catch(() => null);
    if (!answer?.ok) return;
    const text = sentence(((await answer.json()).others ?? []).map((other) => other.name));
    // Said only when it changes: the line is read aloud.
    if (line.textContent !== text) line.textContent = text;
  };
  tell();
  setInterval(tell, EVERY_MS);
  window.addEventListener('pageshow', (event) => { if (event.persisted) tell(); });
  window.addEventListener('pagehide', () => { post(form, url, new URLSearchParams({ active: 0 }), { keepalive: true }).catch(() => null); });
};

const sentence = (names) => {
  if (!names.length) return '';
  const all = new Intl.ListFormat(locale ?? 'en').format(names);
  return names.length === 1 ? say('{} is editing this page too', all) : say('{} are editing this page too', all);
};

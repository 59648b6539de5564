// How the editor talks to the wiki.

import { $ } from './dom.js';
import { say } from './say.js';

/** Posts in the name of whoever opened the form. */
export const post = (form, url, body, options = {}) =>
  fetch(url, { method: 'POST', body, headers: { 'X-CSRF-Token': $('[name=csrf_token]', form)?.value ?? '', Accept: 'application/json' }, ...options });

/** Why the server refused, for people. */
export const refusal = async (answer) => {
  const said = await answer.json().catch(() => null);
  return said?.error ? [said.error, said.hint].filter(Boolean).join('. ') : say('the server answered {}', answer.status);
};

/** A list for completion (`kind` and what goes with it), or nothing where the server has none. */
export const items = async (form, query, signal) => {
  const url = new URL(form.dataset.completeUrl, location.href);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const answer = await fetch(url, { signal, headers: { Accept: 'application/json' } });
  return answer.ok ? ((await answer.json()).items ?? []) : [];
};

// Nobody loses a text by a click: links ask first, the browser asks where we cannot.

import { make, makeButton } from './dom.js';
import { say } from './say.js';

export const guardLeaving = (form, area, source, drafts, visit, notices) => {
  const original = area.defaultValue.replace(/\r\n?/g, '\n');
  const unsaved = () => !visit.leaving && (form.hasAttribute('data-unsaved') || source.text() !== original);
  const go = (url) => {
    visit.leaving = true;
    location.assign(url);
  };
  const keepAndGo = async (url) => {
    if (await drafts.keep()) go(url);
    else notices.complain(say('The draft could not be kept. You are still here, and so is your text.'));
  };
  const discardAndGo = async (url) => {
    visit.leaving = true;
    await drafts.discard();
    go(url);
  };

  document.addEventListener('click', (event) => {
    const link = event.composedPath().find((element) => element instanceof HTMLAnchorElement && element.href);
    if (!link || !leads(link, event) || !unsaved()) return;
    event.preventDefault();
    ask(drafts.possible, source, { keep: () => keepAndGo(link.href), discard: () => discardAndGo(link.href) });
  });
  window.addEventListener('beforeunload', (event) => { if (unsaved()) event.preventDefault(); });
};

/** Whether this click leads this tab to another page. */
const leads = (link, event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  if ((link.target && link.target !== '_self') || link.hasAttribute('download') || !/^https?:$/.test(link.protocol)) return false;
  const here = link.origin === location.origin && link.pathname === location.pathname && link.search === location.search;
  return !(here && link.hash);
};

const ask = (draftPossible, source, { keep, discard }) => {
  const answer = (attributes, text, run) => makeButton(attributes, () => { dialog.close(); run(); }, text);
  const dialog = make('dialog', { class: 'card', 'aria-labelledby': 'holt-leave', 'data-leave': '' },
    make('h1', { id: 'holt-leave' }, say('Leave this page?')),
    make('p', { class: 'lead' }, say('Your changes are not saved.')));
  if (draftPossible) dialog.append(answer({ class: 'button primary', 'data-keep-draft': '' }, say('Keep them as a draft'), keep));
  dialog.append(
    answer({ class: 'button', 'data-keep-editing': '', autofocus: '' }, say('Keep editing'), () => source.focus()),
    answer({ class: 'button danger', 'data-discard': '' }, say('Discard them'), discard));
  dialog.addEventListener('close', () => dialog.remove());
  // The page has keys of one letter, which mean nothing here.
  dialog.addEventListener('keydown', (event) => event.stopPropagation());
  document.body.append(dialog);
  dialog.showModal();
};

// What an editing page consists of. Everything but the text field itself works with the textarea alone, too.

import { codeMirrorSource } from './codemirror.js';
import { $ } from './dom.js';
import { startDrafts } from './drafts.js';
import { guardLeaving } from './leave.js';
import { startModes } from './modes.js';
import { startNotices } from './notices.js';
import { startPresence } from './presence.js';
import { startPreview } from './preview.js';
import { say } from './say.js';
import { textareaSource } from './textarea.js';
import { countWords } from './words.js';

export const startForm = (form) => {
  const area = $('textarea[name=content]', form);
  const notices = startNotices(form);
  const source = openSource(form, area, notices);
  // Shared by those who must know whether somebody is on the way out with the text.
  const visit = { leaving: false };

  const preview = startPreview(form, source);
  const modes = startModes(form, source, preview);
  const drafts = startDrafts(form, source, visit);
  sendWhenReady(form, source, visit, notices);
  guardLeaving(form, area, source, drafts, visit, notices);
  bindKeys(form, modes);
  countWords(form, source);
  startPresence(form);
};

const openSource = (form, area, notices) => {
  try {
    return codeMirrorSource(form, area, notices);
  } catch (error) {
    console.warn('The editor cannot start, the plain field stays:', error);
    return textareaSource(area);
  }
};

/** The textarea carries the text; files under way are waited for, because their place in the text is not filled yet. */
const sendWhenReady = (form, source, visit, notices) => {
  form.addEventListener('submit', (event) => {
    source.store();
    if (!source.busy()) {
      visit.leaving = true;
      return;
    }
    event.preventDefault();
    notices.say(say('Waiting for the upload to end…'));
    source.settled().then(() => form.requestSubmit(event.submitter));
  });
  // Back from the next page, by the browser's memory.
  window.addEventListener('pageshow', () => { visit.leaving = false; });
};

/** Keys that work in the whole form, not only in the text. */
const bindKeys = (form, modes) => {
  const save = () => form.requestSubmit($('[data-save]', form));
  const keys = { s: save, enter: save, p: modes.togglePreview };
  form.addEventListener('keydown', (event) => {
    const run = keys[event.key.toLowerCase()];
    if (!run || event.defaultPrevented || event.shiftKey || event.altKey || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!event.repeat) run();
  });
};

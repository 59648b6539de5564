// One line below the text that tells what happened, also to those who do not see it.

import { $, make } from './dom.js';

const SHOWN_MS = 8000;

export const startNotices = (form) => {
  // Empty, but never hidden: a line that only just appeared is not read aloud.
  const line = make('p', { class: 'hints muted', role: 'status', 'aria-live': 'polite', 'data-notice': '' });
  $('.panes', form)?.after(line);
  let timer = 0;
  const show = (text, problem) => {
    clearTimeout(timer);
    line.textContent = text;
    line.classList.toggle('text-danger', problem);
    // Problems stay until something else is said.
    if (text && !problem) timer = setTimeout(() => show('', false), SHOWN_MS);
  };
  return { say: (text) => show(text, false), complain: (text) => show(text, true) };
};

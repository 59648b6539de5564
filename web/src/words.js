// How much has been written.

import { $ } from './dom.js';

const PAUSE_MS = 200;

export const countWords = (form, source) => {
  const place = $('[data-count]', form);
  if (!place) return;
  let timer = 0;
  const count = () => {
    timer = 0;
    const words = source.text().match(/\S+/g)?.length ?? 0;
    place.textContent = `${words.toLocaleString()} ${words === 1 ? 'word' : 'words'}`;
  };
  count();
  source.onChange(() => { timer ||= setTimeout(count, PAUSE_MS); });
};

// How much has been written.

import { $ } from './dom.js';
import { locale, say } from './say.js';

const PAUSE_MS = 200;

export const countWords = (form, source) => {
  const place = $('[data-count]', form);
  if (!place) return;
  let timer = 0;
  const count = () => {
    timer = 0;
    const words = source.text().match(/\S+/g)?.length ?? 0;
    place.textContent = words === 1 ? say('1 word') : say('{} words', words.toLocaleString(locale));
  };
  count();
  source.onChange(() => { timer ||= setTimeout(count, PAUSE_MS); });
};

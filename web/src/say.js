// Our words in the language of the page. English is in the code and is the key; a value stands where the key has `{}`.

import { german } from './german.js';

const lang = globalThis.document?.documentElement.lang ?? 'en';
const words = lang === 'de' ? german : {};

/** For numbers, dates and lists: English wikis keep the form the reader's browser has. */
export const locale = lang === 'en' ? undefined : lang;

export const say = (key, ...values) => (words[key] ?? key).replace(/\{\}/g, () => values.shift());

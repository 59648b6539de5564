// Elements: found, made. No HTML is made from text here.

export const $ = (selector, from = document) => from.querySelector(selector);
export const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];

export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

/** A button that sends no form. */
export const makeButton = (attributes, run, ...children) => {
  const button = make('button', { type: 'button', ...attributes }, ...children);
  button.addEventListener('click', run);
  return button;
};

/** What the browser remembers of this person's choices; forgets where storage is switched off. */
export const remembered = (key) => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};
export const remember = (key, value) => {
  try {
    localStorage.setItem(key, value);
  } catch { /* storage is switched off: forget */ }
};

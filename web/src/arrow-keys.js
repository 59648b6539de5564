// One Tab stop for a whole toolbar: arrows, Home and End go from button to button.

import { $$ } from './dom.js';

export const arrowKeys = (bar) => {
  const tools = () => $$('.tool', bar).filter((tool) => !tool.hidden);
  const stopAt = (tool) => { for (const other of tools()) other.tabIndex = other === tool ? 0 : -1; };
  stopAt(tools()[0]);
  bar.addEventListener('focusin', (event) => { if (event.target.matches('.tool')) stopAt(event.target); });
  bar.addEventListener('keydown', (event) => {
    const all = tools();
    const at = all.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length].focus();
  });
};

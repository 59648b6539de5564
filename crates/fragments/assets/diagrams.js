// Loaded only by pages with a diagram. Mermaid itself runs in a frame of its own, without this site's origin, cookies or storage; what comes
// back is shown as a picture, in which nothing runs. So a hole in a drawing library is no hole in the wiki.
(() => {
  'use strict';
  const root = document.documentElement;
  const address = document.currentScript.dataset.frame;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const dark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const say = (key, ...values) => (root.holtWords?.[key] ?? key).replace(/\{\}/g, () => values.shift());
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  let frame = null;
  const waiting = new Map();
  let last = 0;
  const start = () => new Promise((resolve, reject) => {
    const element = make('iframe', { className: 'diagram-frame', src: address, tabIndex: -1, title: say('Draws diagrams') });
    element.setAttribute('sandbox', 'allow-scripts');
    element.setAttribute('aria-hidden', 'true');
    addEventListener('message', ({ source, data }) => {
      if (source !== element.contentWindow || typeof data !== 'object' || data === null) return;
      if (data.ready) resolve(element.contentWindow);
      waiting.get(data.id)?.(data);
      waiting.delete(data.id);
    });
    setTimeout(() => reject(new Error(say('the drawing script did not load'))), 20000);
    document.body.append(element);
  });
  const ask = async (text) => {
    frame ??= start();
    const target = await frame;
    const id = ++last;
    const answer = new Promise((resolve) => { waiting.set(id, resolve); });
    // The frame has no origin that could be named.
    target.postMessage({ id, text, dark: dark() }, '*');
    return answer;
  };

  const draw = async (pre) => {
    const text = pre.textContent;
    const answer = await ask(text).catch((error) => ({ error: error.message }));
    if (!pre.isConnected) return;
    let figure = pre.closest('figure.diagram');
    if (typeof answer.svg !== 'string') {
      const problem = make('p', { className: 'text-danger diagram-problem' }, say('This diagram cannot be drawn: {}', answer.error ?? say('no answer')));
      (figure ?? pre).parentElement.querySelector(':scope > .diagram-problem')?.remove();
      (figure ?? pre).before(problem);
      return;
    }
    const kind = text.trim().split('\n', 1)[0];
    const image = make('img', { alt: say('Diagram: {}', kind), src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(answer.svg)}` });
    if (answer.width > 0) Object.assign(image, { width: Math.ceil(answer.width), height: Math.ceil(answer.height) });
    if (figure) { figure.querySelector('img').replaceWith(image); return; }
    figure = make('figure', { className: 'diagram' }, image);
    pre.before(figure);
    figure.append(make('details', {}, make('summary', {}, say('Source')), pre));
  };
  const drawAll = async (within, which = 'pre.mermaid') => {
    for (const pre of within.querySelectorAll(which)) await draw(pre);
  };
  const later = () => drawAll(document);
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', later); else later();
  // The preview was shown again: what is drawn already stays. Or the theme changed.
  document.addEventListener('holt:shown', (event) => drawAll(event.target, 'pre.mermaid:not(figure.diagram pre)'));
  new MutationObserver(later).observe(root, { attributeFilter: ['data-theme'] });
  system.addEventListener('change', later);
})();

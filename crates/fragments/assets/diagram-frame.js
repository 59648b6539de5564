// Runs inside the frame that draws: source of a diagram in, picture out. See diagrams.js.
(() => {
  'use strict';
  const picture = (markup) => {
    let svg = new DOMParser().parseFromString(markup, 'image/svg+xml').documentElement;
    // What is fine as HTML may not be as XML, and pictures are XML.
    if (svg.nodeName !== 'svg') svg = new DOMParser().parseFromString(markup, 'text/html').querySelector('svg');
    const [, , width, height] = (svg.getAttribute('viewBox') ?? '').split(/[\s,]+/).map(Number);
    if (width > 0 && height > 0) { svg.setAttribute('width', width); svg.setAttribute('height', height); }
    svg.style.removeProperty('max-width');
    return { svg: new XMLSerializer().serializeToString(svg), width, height };
  };
  const draw = async ({ id, text, dark }) => {
    mermaid.initialize({
      startOnLoad: false, securityLevel: 'strict', suppressErrorRendering: true, theme: dark ? 'dark' : 'neutral', maxTextSize: 100000,
      htmlLabels: false, flowchart: { htmlLabels: false }, fontFamily: 'system-ui, sans-serif',
    });
    const { svg } = await mermaid.render(`diagram-${id}`, text);
    return { id, ...picture(svg) };
  };
  let before = Promise.resolve();
  addEventListener('message', ({ source, data }) => {
    if (source !== parent) return;
    // One after the other: the library keeps its settings globally.
    before = before.then(() => draw(data)).catch((error) => ({ id: data.id, error: String(error?.message ?? error).slice(0, 500) }))
      .then((answer) => parent.postMessage(answer, '*'));
  });
  parent.postMessage({ ready: true }, '*');
})();

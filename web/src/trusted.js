// The only place where text becomes HTML: the Content-Security-Policy knows this one policy, which can be made once per page.

const policy = window.trustedTypes?.createPolicy('holt', { createHTML: (html) => html }) ?? { createHTML: (html) => html };

/** What the server's renderer made, which also publishes pages, as the nodes of one box. Nothing else may be given to it. */
export const parseRendered = (rendered) => {
  const template = document.createElement('template');
  template.innerHTML = policy.createHTML(rendered);
  return [...template.content.firstElementChild.childNodes];
};

/** Pasted HTML as a tree to read. A parsed document has no window: nothing in it runs, loads or is shown. */
export const parseInert = (html) => new DOMParser().parseFromString(policy.createHTML(html), 'text/html').body;

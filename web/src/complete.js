// What the wiki can finish: pages and headings in wikilinks, names of emoji, files of the page.

import { pickedCompletion } from '@codemirror/autocomplete';
import { destination } from './insert.js';
import { inCode } from './language.js';
import { items } from './requests.js';

export const completionSources = (form) => {
  const ask = asking(form);
  return [pages, headings, emoji, files].map((source) => async (context) => {
    if (!form.dataset.completeUrl || inCode(context.state, context.pos)) return null;
    return source(context, ask, form);
  });
};

/** Asks the server, unless the writer is already elsewhere; answers of a moment ago are used again. */
const asking = (form) => {
  const known = new Map();
  return async (context, query) => {
    const key = JSON.stringify(query);
    if (known.has(key)) return known.get(key);
    const control = new AbortController();
    context.addEventListener('abort', () => control.abort(), { onDocChange: true });
    const answer = await items(form, query, control.signal).catch(() => null);
    if (!answer) return [];
    known.set(key, answer);
    setTimeout(() => known.delete(key), 30_000);
    return answer;
  };
};

/** Replaces from `from` to behind what closes it, if that is there already. */
const writing = (from, insert, close) => (view, completion, _from, to) => {
  const end = view.state.sliceDoc(to, to + close.length) === close ? to + close.length : to;
  view.dispatch({
    changes: { from, to: end, insert },
    selection: { anchor: from + insert.length },
    annotations: pickedCompletion.of(completion),
    userEvent: 'input.complete',
    scrollIntoView: true,
  });
};

/** The wikilink being written: which half the cursor is in, and what stands there. */
const wikilinkAt = (context, form) => {
  const found = context.matchBefore(/(?:^|[^!])\[\[[^[\]\n]*/);
  if (!found) return null;
  const inner = found.text.slice(found.text.indexOf('[[') + 2);
  const bar = inner.indexOf('|');
  const titleFirst = form.dataset.wikilinkOrder !== 'page-first';
  if (bar >= 0 && !titleFirst) return null;
  const text = inner.slice(bar + 1);
  const hash = text.indexOf('#');
  const start = context.pos - text.length;
  return { start, whole: bar < 0, titleFirst, page: hash < 0 ? text : text.slice(0, hash), heading: hash < 0 ? null : text.slice(hash + 1) };
};

const pages = async (context, ask, form) => {
  const at = wikilinkAt(context, form);
  if (!at || at.heading !== null) return null;
  const found = await ask(context, { kind: 'pages', q: at.page });
  const options = found.map((item) => {
    const [title, link] = [item.heading ?? item.title, linkOf(item)];
    // A title that says no more than the address, or that would end the link, is left out.
    const titled = at.whole && title !== link && !/[|[\]]/.test(title);
    const halves = at.titleFirst ? [title, link] : [link, title];
    return { label: title, detail: link === title ? '' : link, apply: writing(at.start, `${titled ? halves.join('|') : link}]]`, ']]') };
  });
  return { from: at.start, options, filter: false };
};

/** What a wikilink to a suggestion says; some are headings inside a page. */
const linkOf = ({ link, path, url, heading }) => link ?? path + (heading ? decodeURIComponent(new URL(url, location.href).hash) : '');

const headings = async (context, ask, form) => {
  const at = wikilinkAt(context, form);
  if (!at || at.heading === null) return null;
  const found = await ask(context, { kind: 'headings', page: at.page || ownPath(form) });
  const from = context.pos - at.heading.length;
  const options = found.map(({ text, anchor }) => ({ label: text, detail: `#${anchor}`, apply: writing(from, `${anchor}]]`, ']]') }));
  return { from, options, validFor: /^[^[\]|\n]*$/ };
};

const ownPath = (form) => decodeURIComponent(form.dataset.page ?? new URL(form.action).pathname.replace(/\/save$/, '')).replace(/^\//, '');

const emoji = async (context, ask) => {
  const found = context.matchBefore(/(?:^|[\s(>*_~|])(:[a-z0-9_+-]{2,})/i);
  if (!found) return null;
  const typed = found.text.slice(found.text.indexOf(':') + 1);
  const names = await ask(context, { kind: 'emoji', q: typed });
  const from = context.pos - typed.length - 1;
  const options = names.map(({ name, emoji: sign }) => ({ label: `:${name}:`, displayLabel: `${sign} ${name}`, apply: writing(from, `:${name}:`, ':') }));
  return { from, options, filter: false };
};

/** After `![[` a picture of the page, after `](./` any file of it. */
const files = async (context, ask, form) => {
  const embedded = context.matchBefore(/!\[\[[^[\]\n]*/);
  const linked = embedded ? null : context.matchBefore(/\]\(\.\/[^()\s]*/);
  if (!embedded && !linked) return null;
  const found = await ask(context, { kind: 'files', page: ownPath(form) });
  const start = embedded ? embedded.from : linked.from + 2;
  const options = found.map(({ name, image }) => {
    const address = destination(`./${name}`);
    const apply = embedded ? writing(start, `${image ? '!' : ''}[${image ? '' : name}](${address})`, ']]') : writing(start, `${address})`, ')');
    return { label: name, boost: image ? 1 : 0, apply };
  });
  return { from: start + (embedded ? 3 : 2), options, validFor: /^[^[\]()\n]*$/ };
};

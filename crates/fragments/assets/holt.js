// Holt's only script. It sits in the head, before the stylesheet, so that the chosen theme is there before the first paint;
// everything else waits for the document. Pages work without it. Nothing is looked up by global name, no HTML is made from text.
(() => {
  'use strict';
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const remember = (area, key, value) => {
    try {
      if (value === undefined) return window[area].getItem(`holt.${key}`);
      if (value === null) window[area].removeItem(`holt.${key}`);
      else window[area].setItem(`holt.${key}`, value);
    } catch { /* storage is switched off: forget */ }
    return null;
  };
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  // Theme: what the system says, until somebody chooses otherwise.
  const system = matchMedia('(prefers-color-scheme: dark)');
  const theme = remember('localStorage', 'theme');
  if (theme) root.dataset.theme = theme;
  if (remember('localStorage', 'sidebar') === 'hidden') root.dataset.sidebar = 'hidden';
  root.classList.add('js');

  const toggleTheme = () => {
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : system.matches;
    const next = dark ? 'light' : 'dark';
    if ((next === 'dark') === system.matches) delete root.dataset.theme;
    else root.dataset.theme = next;
    remember('localStorage', 'theme', root.dataset.theme ?? null);
  };
  const toggleSidebar = () => {
    if (matchMedia('(max-width: 56rem)').matches) {
      root.toggleAttribute('data-menu');
      if (root.hasAttribute('data-menu')) $('body > .shell > .side a')?.focus();
      return;
    }
    const hidden = root.dataset.sidebar !== 'hidden';
    if (hidden) root.dataset.sidebar = 'hidden';
    else delete root.dataset.sidebar;
    remember('localStorage', 'sidebar', hidden ? 'hidden' : null);
  };

  // The tree is the same on every page: mark where we are, open the way to it, keep what the reader opened.
  const showPlace = () => {
    const side = $('body > .shell > .side');
    if (!side) return;
    const key = (details) => $('a', details)?.getAttribute('href');
    const opened = new Set(JSON.parse(remember('sessionStorage', 'opened') || '[]'));
    for (const details of $$('details', side)) if (opened.has(key(details))) details.open = true;
    let path = location.pathname;
    for (let exact = true; path; exact = false) {
      const link = $(`a[href="${CSS.escape(path)}" i]`, side);
      if (link) {
        link.setAttribute('aria-current', exact ? 'page' : 'true');
        for (let d = link.closest('details'); d; d = d.parentElement.closest('details')) d.open = true;
        const at = link.getBoundingClientRect().top - side.getBoundingClientRect().top;
        if (at > side.clientHeight - 40) side.scrollTop = at - side.clientHeight / 2;
        break;
      }
      path = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
    }
    side.addEventListener('toggle', (event) => {
      opened[event.target.open ? 'add' : 'delete'](key(event.target));
      remember('sessionStorage', 'opened', JSON.stringify([...opened]));
    }, true);
  };

  const followToc = () => {
    const toc = $('.page > .aside .toc');
    if (!toc) return;
    if (matchMedia('(min-width: 75rem)').matches) toc.open = true;
    const links = new Map($$('a', toc).map((a) => [document.getElementById(decodeURIComponent(a.hash.slice(1))), a]));
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) seen[entry.isIntersecting ? 'add' : 'delete'](entry.target);
      const first = [...links.keys()].find((heading) => seen.has(heading));
      if (first) for (const [heading, a] of links) a.toggleAttribute('data-here', heading === first);
    }, { rootMargin: '-56px 0px -45% 0px' });
    for (const heading of links.keys()) if (heading) watch.observe(heading);
  };

  // Published pages are the same for everybody, so who is reading comes afterwards. The last answer is shown at once.
  const showReader = (me) => {
    const corner = $('body > .top [data-me]');
    root.toggleAttribute('data-readonly', me.name !== null && !me.can.write);
    const was = $('input', corner);
    if (me.name === null) {
      if (was) corner.replaceWith(make('a', { class: 'login', href: '/-/login', 'data-me': '' }, 'Log in'));
      return;
    }
    if (was) { was.value = me.csrf; return; }
    const item = (href, text) => make('li', {}, make('a', { href }, text));
    const logout = make('form', { method: 'post', action: '/-/logout' },
      make('input', { type: 'hidden', name: 'csrf_token', value: me.csrf ?? '' }), make('button', {}, 'Log out'));
    const menu = make('ul', {}, item('/-/settings', 'Settings'));
    if (me.can.admin) menu.append(item('/-/admin', 'Administration'));
    menu.append(make('li', {}, logout));
    const initial = make('span', { class: 'initial', 'aria-hidden': 'true' }, [...me.name][0]?.toUpperCase() ?? '');
    corner.replaceWith(make('details', { class: 'menu', 'data-me': '' }, make('summary', {}, initial, make('span', { class: 'name' }, me.name)), menu));
  };
  const askWho = async () => {
    const corner = $('body > .top [data-me]');
    if (!corner) return;
    if (!location.pathname.startsWith('/-/')) corner.href = `/-/login?next=${encodeURIComponent(location.pathname)}`;
    const known = remember('sessionStorage', 'me');
    if (known) showReader(JSON.parse(known));
    const answer = await fetch('/-/me', { headers: { Accept: 'application/json' } }).catch(() => null);
    if (!answer?.ok) return;
    const me = await answer.json();
    remember('sessionStorage', 'me', me.name === null ? null : JSON.stringify({ name: me.name, can: me.can }));
    showReader(me);
  };

  const onClick = (event) => {
    const target = event.target instanceof Element ? event.target : root;
    const hit = (selector) => target.closest(selector);
    for (const menu of $$('details.menu[open]')) if (!menu.contains(target)) menu.open = false;
    if (hit('[data-toggle-theme]')) toggleTheme();
    else if (hit('[data-toggle-menu]')) { event.preventDefault(); toggleSidebar(); }
    else if (hit('.copy-to-clipboard-outer button')) {
      const button = hit('button');
      const text = $('pre', button.closest('.copy-to-clipboard-outer'))?.innerText ?? '';
      navigator.clipboard?.writeText(text).then(() => {
        button.dataset.done = '';
        setTimeout(() => delete button.dataset.done, 1500);
      });
    } else if (hit('.spoiler-button')) hit('.spoiler')?.classList.toggle('nospoiler');
    else if (root.hasAttribute('data-menu') && !hit('body > .shell > .side')) root.removeAttribute('data-menu');
  };
  const onKey = (event) => {
    if (event.key === 'Escape') {
      root.removeAttribute('data-menu');
      for (const menu of $$('details.menu[open]')) { menu.open = false; $('summary', menu).focus(); }
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, [contenteditable]')) return;
    const link = /^[ec]$/.test(event.key) && $(`a[data-key="${event.key}"]`);
    if (link) link.click();
    else if (event.key === '/') $('body > .top input[name=q]')?.focus();
    else if (event.key === '[') toggleSidebar();
    else return;
    event.preventDefault();
  };

  document.addEventListener('click', onClick);
  document.addEventListener('keydown', onKey);
  document.addEventListener('DOMContentLoaded', () => {
    showPlace();
    followToc();
    askWho();
    $('a[data-create]')?.setAttribute('href', `${location.pathname.replace(/\/+$/, '')}/edit`);
    for (const time of $$('time[datetime]')) time.title ||= new Date(time.dateTime).toLocaleString();
  });
})();

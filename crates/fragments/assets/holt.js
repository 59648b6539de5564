// Holt's only script. It sits in the head, before the stylesheet, so that the chosen theme is there before the first paint;
// everything else waits for the document. Pages work without it. Nothing is looked up by global name, no HTML is made from text.
(() => {
  'use strict';
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  // English is in the code; other languages come with a script of their own (de.js), which has its words by the English ones.
  const say = (key, ...values) => (root.holtWords?.[key] ?? key).replace(/\{\}/g, () => values.shift());
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

  // The tree is the same on every page: mark where we are, open the way there, keep what was opened. What is deep comes when it is opened.
  const getJson = async (url) => {
    const answer = await fetch(url, { headers: { Accept: 'application/json' } }).catch(() => null);
    return answer?.ok ? answer.json() : null;
  };
  const branch = ({ title, url, path, children }) => {
    const link = make('a', { href: url }, title);
    if (!children) return make('li', {}, link);
    const more = `/-/tree?path=${encodeURIComponent(path)}`;
    const name = make('span', { class: 'visually-hidden' }, say('Pages below {}', title));
    return make('li', {}, link, make('details', { 'data-more': more }, make('summary', {}, name), make('ul', {})));
  };
  const grow = async (details) => {
    const url = details.dataset.more;
    if (!url) return;
    delete details.dataset.more;
    const level = await getJson(url);
    if (level) $('ul', details).replaceChildren(...level.items.map(branch));
    else details.dataset.more = url;
  };
  // Grows what nobody clicked on, and moves nothing that is seen.
  const growUnseen = async (details) => {
    const above = [];
    for (let item = details.closest('li'); item; item = item.parentElement.closest('li')) above.push(item);
    for (const item of above) item.dataset.growing = '';
    await grow(details);
    // Placed for a frame, then shown.
    await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
    for (const item of above) delete item.dataset.growing;
  };
  const key = (details) => details.previousElementSibling?.getAttribute('href');
  const readOpened = () => new Set(JSON.parse(remember('sessionStorage', 'opened') || '[]'));
  // Opens what was open and the way to where we are, as far as the tree goes: the link there, and what to ask for to go on.
  const openWay = (side) => {
    const opened = readOpened();
    for (const details of $$('details', side)) if (opened.has(key(details))) details.open = true;
    let path = location.pathname;
    for (let exact = true; path; exact = false) {
      const link = $(`a[href="${CSS.escape(path)}" i]`, side);
      if (link) {
        const below = link.nextElementSibling?.matches('details') && link.nextElementSibling;
        if (below) below.open = true;
        for (let d = link.closest('details'); d; d = d.parentElement.closest('details')) d.open = true;
        const deeper = !exact && below?.dataset?.more && below;
        if (!deeper) link.setAttribute('aria-current', exact ? 'page' : 'true');
        return { link, deeper };
      }
      path = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
    }
    return null;
  };
  const showPlace = async () => {
    const side = $('body > .shell > .side');
    if (!side) return;
    const way = openWay(side);
    if (way?.deeper) {
      await growUnseen(way.deeper);
      return showPlace();
    }
    if (way) {
      const at = way.link.getBoundingClientRect().top - side.getBoundingClientRect().top;
      if (at > side.clientHeight - 40) side.scrollTop = at - side.clientHeight / 2;
    }
    if (side.dataset.watched) return;
    side.dataset.watched = '';
    // Nobody heard these open.
    $$('details[open][data-more]', side).forEach(growUnseen);
    const opened = readOpened();
    side.addEventListener('toggle', (event) => {
      if (event.target.open) grow(event.target);
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

  // Pages are the same for everybody: who reads comes afterwards, the last answer at once.
  const showReader = (me) => {
    const corner = $('body > .top [data-me]');
    root.toggleAttribute('data-readonly', me.name !== null && !me.can.write);
    if (me.can.write) editSections();
    if (me.name !== null) startComments();
    // What few may read is in nobody's menu but theirs.
    const tree = $('body > .shell > .side .tree > ul');
    if (tree && me.private?.length && !$('[data-private]', tree)) {
      tree.append(...me.private.map(branch));
      tree.lastElementChild.dataset.private = '';
      showPlace();
    }
    const was = $('input', corner);
    if (me.name === null) {
      if (was) corner.replaceWith(make('a', { class: 'login', href: '/-/login', 'data-me': '' }, say('Log in')));
      return;
    }
    if (was) {
      was.value = me.csrf;
      showNews(corner, me);
      return;
    }
    const item = (href, text) => make('li', {}, make('a', { href }, text));
    const logout = make('form', { method: 'post', action: '/-/logout' },
      make('input', { type: 'hidden', name: 'csrf_token', value: me.csrf ?? '' }), make('button', {}, say('Log out')));
    const menu = make('ul', {}, item('/-/inbox', say('Inbox')), item('/-/proposals', say('Proposals')), item('/-/settings', say('Settings')));
    if (me.can.admin) menu.append(item('/-/admin', say('Administration')));
    menu.append(make('li', {}, logout));
    const initial = make('span', { class: 'initial', 'aria-hidden': 'true' }, [...me.name][0]?.toUpperCase() ?? '');
    corner.replaceWith(make('details', { class: 'menu', 'data-me': '' }, make('summary', {}, initial, make('span', { class: 'name' }, me.name)), menu));
    showNews($('body > .top [data-me]'), me);
  };
  // The editor is fetched when somebody is about to open it.
  const fetchEditor = (parts) => {
    const near = ({ target }) => {
      if (target.closest?.('a[href$="/edit"]')) while (parts.length) fetch(parts.pop(), { priority: 'low' }).catch(() => null);
    };
    for (const kind of ['pointerover', 'focusin', 'touchstart']) document.addEventListener(kind, near, { passive: true });
  };
  const showNews = (corner, { inbox, proposals }) => {
    const told = (href, text, count) => { $(`a[href="${href}"]`, corner).textContent = text + (count ? ` (${count})` : ''); };
    told('/-/inbox', say('Inbox'), inbox);
    told('/-/proposals', say('Proposals'), proposals);
    corner.toggleAttribute('data-news', inbox + proposals > 0);
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
    if (me.editor?.length && !$('form[data-editor]')) fetchEditor(me.editor);
    remember('sessionStorage', 'me', me.name === null ? null : JSON.stringify({ name: me.name, can: me.can, private: me.private }));
    showReader(me);
  };

  // Quick switcher: pages and headings by a few letters. The search field of the frame is it; Mod+K and / lead there.
  const startSwitcher = () => {
    const input = $('body > .top input[data-switch]');
    if (!input) return;
    const list = make('div', { class: 'switcher', role: 'listbox', id: 'holt-switcher', 'aria-label': say('Pages') });
    const status = make('span', { class: 'visually-hidden', role: 'status' });
    list.hidden = true;
    input.form.append(list, status);
    for (const [name, value] of Object.entries({ role: 'combobox', 'aria-expanded': 'false', 'aria-controls': 'holt-switcher', 'aria-autocomplete': 'list' })) input.setAttribute(name, value);
    let timer = 0, asked = 0, at = -1, best = -1;
    const close = () => { list.hidden = true; at = -1; input.setAttribute('aria-expanded', 'false'); input.removeAttribute('aria-activedescendant'); };
    const pick = (next) => {
      const options = $$('[role=option]', list);
      if (!options.length) return;
      at = (next + options.length) % options.length;
      options.forEach((option, i) => option.setAttribute('aria-selected', i === at));
      input.setAttribute('aria-activedescendant', options[at].id);
      options[at].scrollIntoView({ block: 'nearest' });
    };
    const option = ({ title, path, url, heading }, i) => {
      const link = make('a', { href: url, tabindex: '-1', role: 'option', id: `holt-option-${i}`, 'aria-selected': 'false' }, heading ?? title);
      const where = heading ? title : path;
      if (where && where.toLowerCase() !== link.textContent.toLowerCase()) link.append(make('span', { class: 'path' }, where));
      return link;
    };
    const look = async () => {
      const number = ++asked;
      const found = await getJson(`/-/complete?kind=pages&q=${encodeURIComponent(input.value)}`);
      if (number !== asked || document.activeElement !== input || !found) return;
      // An answer that comes late takes nothing away that somebody chose already.
      const chosen = $$('[role=option]', list)[at]?.href;
      list.replaceChildren(...found.items.map(option));
      if (input.value.trim()) list.append(option({ title: say('Search for “{}”', input.value), path: '', url: `/-/search?q=${encodeURIComponent(input.value)}` }, found.items.length));
      list.hidden = !list.childElementCount;
      at = -1;
      // The only page, or the one of exactly this name, is meant; otherwise the words are looked for.
      const typed = input.value.trim().toLowerCase();
      const pages = found.items.filter(({ heading }) => !heading);
      const meant = pages.length === 1 ? pages[0] : pages.find(({ title, path }) => [title, path].some((name) => name?.toLowerCase() === typed));
      best = typed && meant ? found.items.indexOf(meant) : -1;
      const still = $$('[role=option]', list).findIndex(({ href }) => href === chosen);
      if (still >= 0) pick(still);
      input.setAttribute('aria-expanded', String(!list.hidden));
      status.textContent = say('{} pages', found.items.length);
    };
    input.addEventListener('input', () => { best = -1; clearTimeout(timer); timer = setTimeout(look, 80); });
    input.addEventListener('focus', look);
    // The field keeps the focus while an entry is clicked, however long that takes.
    list.addEventListener('mousedown', (event) => event.preventDefault());
    input.addEventListener('blur', close);
    input.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' && !list.hidden) pick(at + 1);
      else if (event.key === 'ArrowUp' && !list.hidden) pick(at - 1);
      else if (event.key === 'Enter' && Math.max(at, best) >= 0 && !list.hidden) $$('[role=option]', list)[at >= 0 ? at : best].click();
      else if (event.key === 'Escape') { if (list.hidden) input.blur(); close(); }
      else return;
      event.preventDefault();
    });
  };

  const allKeys = () => [['/ or Mod+K', say('Search, or go to a page')], ['e', say('Edit this page')], ['n or c', say('New page')], ['h', say('History')], ['m', say('Rename or move')], ['Mod+Alt+M', say('Comment on the selected words')], ['[ or Mod+.', say('Show or hide the menu')], ['Mod+Shift+L', say('Light or dark')], ['j, k', say('Next or previous result')], ['?', say('This list')], ['Esc', say('Close')], ['Mod+S, Mod+Enter', say('Save, in the editor')]];
  const showKeys = () => {
    let dialog = $('dialog.keys');
    if (!dialog) {
      const mac = /Mac|iP(hone|ad)/.test(navigator.platform);
      const row = ([keys, what]) => make('tr', {}, make('td', {}, ...keys.replaceAll('Mod', mac ? '⌘' : say('Ctrl')).split(' ').flatMap((word) => (word === 'or' ? [` ${say('or')} `] : [make('kbd', {}, word.replace(/,$/, '')), ' ']))), make('td', {}, what));
      const single = make('input', { type: 'checkbox' });
      single.checked = remember('localStorage', 'keys') !== 'off';
      single.addEventListener('change', () => remember('localStorage', 'keys', single.checked ? null : 'off'));
      dialog = make('dialog', { class: 'keys', 'aria-labelledby': 'holt-keys' }, make('h2', { id: 'holt-keys' }, say('Keyboard')), make('table', {}, make('tbody', {}, ...allKeys().map(row))), make('label', { class: 'check' }, single, make('span', {}, say('Single letters work outside of fields'))), make('form', { method: 'dialog' }, make('button', { class: 'button' }, say('Close'))));
      document.body.append(dialog);
    }
    dialog.showModal();
  };

  // Whoever may write gets a pencil beside the headings of the page itself.
  const editSections = () => {
    const article = $('article.prose[data-page-path]');
    const edit = $('a[data-key="e"]')?.getAttribute('href');
    if (!article || !edit || $('.edit-section', article)) return;
    for (const heading of $$(':scope > :is(h1, h2, h3, h4, h5, h6)[id]', article).slice(1)) {
      heading.append(make('a', { class: 'edit-section', href: `${edit}?section=${encodeURIComponent(heading.id)}`, 'aria-label': say('Edit the section “{}”', heading.textContent.trim()) }, say('Edit')));
    }
  };

  // Whoever is logged in comments on selected words: a button beside them, or Mod+Alt+M.
  let commentHere = null;
  const startComments = async () => {
    const article = $('article.prose[data-page-path]');
    const link = $('a[data-comments]');
    if (!article || !link || link.dataset.comments) return;
    link.dataset.comments = 'asked';
    const answer = await getJson(`${link.pathname}?count`);
    if (answer?.open) link.append(` (${answer.open})`);
    if (!answer?.takes) return;
    const button = make('button', { class: 'button comment-here', type: 'button' }, say('Comment'));
    const chosen = () => {
      const range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
      return range && String(range).trim() && article.contains(range.commonAncestorContainer) ? range : null;
    };
    commentHere = () => {
      const range = chosen();
      const query = new URLSearchParams();
      if (range) {
        const [before, after] = [range.cloneRange(), range.cloneRange()];
        before.collapse(true);
        before.setStart(article, 0);
        after.collapse();
        after.setEnd(article, article.childNodes.length);
        query.set('quote', String(getSelection()).trim().slice(0, 1000));
        query.set('before', String(before).slice(-60));
        query.set('after', String(after).slice(0, 60));
      }
      location.assign(`${link.pathname}?${query}#holt-new`);
    };
    document.addEventListener('selectionchange', () => {
      const place = chosen()?.getBoundingClientRect();
      if (!place) { button.remove(); return; }
      if (!button.isConnected) document.body.append(button);
      button.style.top = `${place.bottom + scrollY + 8}px`;
      button.style.left = `${Math.max(8, Math.min(place.left, root.clientWidth - button.offsetWidth - 8))}px`;
    });
    // A click would take the selection away before it is read.
    button.addEventListener('pointerdown', (event) => event.preventDefault());
    button.addEventListener('click', commentHere);
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
    const command = event.ctrlKey || event.metaKey;
    const find = () => $('body > .top input[name=q]')?.focus();
    // In a field letters are text, and the editor has its own meaning for Mod+K. (In a shadow tree the first of the path is the field.)
    const field = event.composedPath()[0];
    const writing = field instanceof Element && field.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]');
    if (event.defaultPrevented || $('dialog:modal')) return;
    if (command && event.altKey && event.code === 'KeyM' && commentHere) { event.preventDefault(); commentHere(); }
    if (event.altKey) return;
    if (command) {
      if (event.key === '.') toggleSidebar();
      else if (event.shiftKey && event.key.toLowerCase() === 'l') toggleTheme();
      else if (event.key === 'k' && !event.shiftKey && !field.closest?.('[data-editor], .cm-editor')) find();
      else return;
    } else {
      if (writing || (event.key.length === 1 && remember('localStorage', 'keys') === 'off')) return;
      const key = { n: 'c' }[event.key] ?? event.key;
      const link = /^[echm]$/.test(key) && !(key !== 'h' && root.hasAttribute('data-readonly')) && $(`a[data-key="${key}"]`);
      if (link) link.click();
      else if (key === '/') find();
      else if (key === '[') toggleSidebar();
      else if (key === '?') showKeys();
      else if (/^[jk]$/.test(key)) {
        const results = $$('.results a.title');
        const at = results.indexOf(document.activeElement);
        results[Math.min(Math.max(at + (key === 'j' ? 1 : -1), 0), results.length - 1)]?.focus();
      } else return;
    }
    event.preventDefault();
  };

  document.addEventListener('click', onClick);
  document.addEventListener('keydown', onKey);
  // The tree is whole when the page begins: it is opened before anything of it is painted, so that nothing moves.
  const whole = new MutationObserver(() => {
    if (!$('body > .shell > .page')) return;
    whole.disconnect();
    openWay($('body > .shell > .side'));
  });
  whole.observe(document, { childList: true, subtree: true });
  document.addEventListener('DOMContentLoaded', () => {
    whole.disconnect();
    showPlace();
    followToc();
    startSwitcher();
    askWho();
    $('a[data-create]')?.setAttribute('href', `${location.pathname.replace(/\/+$/, '')}/edit`);
    // What scrolls can be reached by keys; some browsers see to that themselves.
    for (const box of $$('.prose pre, .table-scroll, .diff-scroll')) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    for (const time of $$('time[datetime]')) time.title ||= new Date(time.dateTime).toLocaleString(root.lang === 'en' ? undefined : root.lang);
  });
})();

// Loaded only by pages with a data table: sorting, searching and paging. Without it the whole table is there.
(() => {
  'use strict';
  const say = (key, ...values) => (document.documentElement.holtWords?.[key] ?? key).replace(/\{\}/g, () => values.shift());
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const compare = new Intl.Collator(document.documentElement.lang, { numeric: true, sensitivity: 'base' }).compare;
  const number = (text) => (/^[\s$€£]*[-+]?[\d.,' ]*\d\s*%?$/.test(text) ? Number(text.replace(/[^\d.+-]/g, '')) : NaN);
  const option = (box, name) => !box.classList.contains(`datatable-not-${name}`);

  const enhance = (box, table) => {
    const body = table.tBodies[0];
    if (!body || table.dataset.enhanced !== undefined) return;
    table.dataset.enhanced = '';
    const rows = [...body.rows];
    const asked = [...box.classList].map((name) => /^datatable-rows-(\d+)$/.exec(name)?.[1]).find(Boolean);
    const state = { found: rows, page: 0, size: option(box, 'paging') ? Number(asked ?? 25) : 0 };
    const status = make('span', { className: 'muted' });
    status.setAttribute('role', 'status');
    const step = (text, by) => {
      const button = make('button', { type: 'button', className: 'button', textContent: text });
      button.addEventListener('click', () => { state.page += by; show(); });
      return button;
    };
    const [back, on] = [step(say('Previous'), -1), step(say('Next'), 1)];
    const show = () => {
      const { found, size } = state;
      const pages = size ? Math.max(1, Math.ceil(found.length / size)) : 1;
      state.page = Math.min(Math.max(state.page, 0), pages - 1);
      const from = size ? state.page * size : 0;
      body.replaceChildren(...(size ? found.slice(from, from + size) : found));
      const to = size ? Math.min(from + size, found.length) : found.length;
      status.textContent = found.length ? say('{} of {}', `${from + 1}–${to}`, found.length) : say('Nothing found');
      back.disabled = state.page === 0;
      on.disabled = state.page >= pages - 1;
    };

    if (option(box, 'sortable') && table.tHead) {
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        const button = make('button', { type: 'button', className: 'sort' }, ...head.childNodes);
        head.append(button);
        button.addEventListener('click', () => {
          const down = head.getAttribute('aria-sort') === 'ascending';
          for (const other of heads) other.removeAttribute('aria-sort');
          head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
          const keyed = rows.map((row) => {
            const text = row.cells[column]?.textContent.trim() ?? '';
            return { row, text, value: number(text) };
          });
          const numbers = keyed.every(({ text, value }) => text === '' || !Number.isNaN(value));
          keyed.sort((a, b) => (numbers ? (a.value || 0) - (b.value || 0) : compare(a.text, b.text)));
          if (down) keyed.reverse();
          rows.splice(0, rows.length, ...keyed.map(({ row }) => row));
          const found = new Set(state.found);
          state.found = rows.filter((row) => found.has(row));
          show();
        });
      });
    }
    const bar = make('div', { className: 'datatable-bar' });
    if (option(box, 'searchable')) {
      const search = make('input', { type: 'search', placeholder: say('Search this table') });
      search.setAttribute('aria-label', say('Search this table'));
      search.addEventListener('input', () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const has = (row) => { const text = row.textContent.toLowerCase(); return words.every((word) => text.includes(word)); };
        state.found = rows.filter(has);
        state.page = 0;
        show();
      });
      bar.append(search);
    }
    if (state.size && rows.length > state.size) bar.append(back, on);
    if (bar.childNodes.length) { bar.append(status); table.before(bar); }
    show();
  };
  const enhanceAll = (within) => {
    for (const box of within.querySelectorAll('.datatable-embedding')) for (const table of box.querySelectorAll('table')) enhance(box, table);
  };
  const later = () => enhanceAll(document);
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', later); else later();
  document.addEventListener('holt:shown', (event) => enhanceAll(event.target));
})();

// The files of the page to choose from: pictures as they look, other files by their names.

import { make, makeButton } from './dom.js';
import { destination } from './insert.js';
import { items } from './requests.js';
import { say } from './say.js';

/** A command that opens the gallery; choosing puts a link to the file where the cursor is, around what is selected. */
export const gallery = (form) => (view) => {
  const root = view.dom.getRootNode();
  const title = make('h2', { id: 'gallery' }, say('Files of this page'));
  const filter = make('input', { type: 'search', 'aria-label': say('Find a file'), placeholder: say('Find a file') });
  const list = make('ul', {});
  const status = make('p', { role: 'status' });
  const dialog = make('dialog', { class: 'gallery', 'aria-labelledby': 'gallery' }, title, filter, status, list,
    make('form', { method: 'dialog' }, make('button', { class: 'tool' }, say('Close'))));
  dialog.addEventListener('close', () => {
    dialog.remove();
    view.focus();
  });
  // A click beside the window closes it.
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });

  const page = new URL(form.dataset.page, location.href).pathname;
  const choose = (file) => {
    dialog.close();
    const { from, to } = view.state.selection.main;
    const words = view.state.sliceDoc(from, to).replace(/[[\]\n]/g, '') || (file.image ? '' : file.name.replace(/[[\]\\]/g, '\\$&'));
    const insert = `${file.image ? '!' : ''}[${words}](${destination(`./${file.name}`)})`;
    view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, scrollIntoView: true, userEvent: 'input' });
  };
  const entry = (file) => {
    const picture = file.image ? make('img', { src: `${page}/t/${encodeURIComponent(file.name)}/160`, alt: '', loading: 'lazy', width: '144', height: '96' }) : make('span', { class: 'kind', 'aria-hidden': 'true' }, /\.(\w{1,5})$/.exec(file.name)?.[1] ?? '');
    return make('li', { 'data-name': file.name.toLowerCase() }, makeButton({}, () => choose(file), picture, make('span', {}, file.name)));
  };
  const narrow = () => {
    let left = 0;
    for (const item of list.children) left += !(item.hidden = !item.dataset.name.includes(filter.value.trim().toLowerCase()));
    status.textContent = left ? '' : say('There is no such file.');
  };
  filter.addEventListener('input', narrow);

  (root.querySelector('.frame') ?? root).append(dialog);
  dialog.showModal();
  status.textContent = say('Looking…');
  const kept = decodeURIComponent(page).replace(/^\//, '');
  items(form, { kind: 'files', page: kept }).catch(() => []).then((files) => {
    list.replaceChildren(...files.map(entry));
    filter.hidden = files.length < 9;
    status.textContent = files.length ? '' : say('This page has no files yet. Drop one into the text, or paste a picture.');
    list.querySelector('button')?.focus();
  });
  return true;
};

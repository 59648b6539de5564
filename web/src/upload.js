// Files that are pasted, dropped or chosen: stored beside the page, and linked where they were put.

import { Transaction } from '@codemirror/state';
import { destination } from './insert.js';
import { post, refusal } from './requests.js';
import { say } from './say.js';

const IMAGE = /\.(?:png|jpe?g|gif|webp|avif|svg|bmp|ico)$/i;

export const startUploads = (form, notices) => {
  const pending = new Set();
  const possible = () => Boolean(form.dataset.uploadUrl);

  const send = async (view, file, placeholder) => {
    let link = '';
    try {
      const body = new FormData();
      body.append('file', file, file.name);
      const answer = await post(form, form.dataset.uploadUrl, body);
      if (!answer.ok) throw new Error(await refusal(answer));
      link = linkTo((await answer.json()).filename, file);
      notices.say(say('{} was uploaded.', file.name));
    } catch (error) {
      notices.complain(say('{} was not uploaded: {}', file.name, error.message));
    }
    if (!fill(view, placeholder, link) && link) notices.say(say('{} was uploaded, but its place in the text is gone. To show it, write {}', file.name, link));
  };

  return {
    possible,
    /** Puts `files` where `range` is; each takes its place when it has arrived. */
    insert: (view, files, range) => {
      const placeholders = [];
      for (const file of files) placeholders.push(unused(view.state.doc.toString() + placeholders.join(''), file.name));
      const text = placeholders.join('\n');
      view.dispatch({
        changes: { from: range.from, to: range.to, insert: text },
        selection: { anchor: range.from + text.length },
        annotations: Transaction.addToHistory.of(false),
        scrollIntoView: true,
      });
      if (files.length) notices.say(files.length === 1 ? say('Uploading {}…', files[0].name) : say('Uploading {} files…', files.length));
      files.forEach((file, i) => {
        const upload = send(view, file, placeholders[i]).finally(() => pending.delete(upload));
        pending.add(upload);
      });
    },
    busy: () => pending.size > 0,
    settled: () => Promise.allSettled(pending),
  };
};

/** A text for the place that is nowhere else in the page. */
const unused = (text, name) => {
  const shown = name.replace(/[[\]\n]/g, '');
  for (let n = 1; ; n += 1) {
    const placeholder = `![${say('Uploading {}…', n > 1 ? `${shown} (${n})` : shown)}]()`;
    if (!text.includes(placeholder)) return placeholder;
  }
};

const linkTo = (filename, file) => {
  if (file.type.startsWith('image/') || IMAGE.test(filename)) return `![](${destination(filename)})`;
  return `[${filename.replace(/^\.\//, '').replace(/[[\]\\]/g, '\\$&')}](${destination(filename)})`;
};

/**
 * The placeholder was never part of the history, so that undoing takes the link away and does not bring the placeholder back.
 * The cursor stays where it is; behind the placeholder it stays behind the link.
 */
const fill = (view, placeholder, link) => {
  const from = view.state.doc.toString().indexOf(placeholder);
  if (from < 0) return false;
  const change = { from, to: from + placeholder.length, insert: link };
  const selection = view.state.selection.map(view.state.changes(change), 1);
  const removed = view.state.update({ changes: { from, to: change.to }, annotations: Transaction.addToHistory.of(false) });
  view.dispatch(removed);
  if (link) view.dispatch({ changes: { from, insert: link }, selection, userEvent: 'input.paste' });
  return true;
};

const two = (number) => String(number).padStart(2, '0');
const EXTENSIONS = { 'image/jpeg': 'jpg', 'image/svg+xml': 'svg' };
const given = new Set();

/** Pictures out of the clipboard have no name, or all the same one. */
export const named = (file, now = new Date()) => {
  if (!file.type.startsWith('image/') || (file.name && !/^image\.\w+$/i.test(file.name))) return file;
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const stem = `pasted-${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const extension = EXTENSIONS[file.type] ?? file.type.slice('image/'.length);
  let name = `${stem}.${extension}`;
  for (let n = 2; given.has(name); n += 1) name = `${stem}-${n}.${extension}`;
  given.add(name);
  return new File([file], name, { type: file.type });
};

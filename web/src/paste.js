// What comes out of the clipboard or is dropped: files, addresses, formatted text.

import { EditorView } from '@codemirror/view';
import { toMarkdown } from './html-to-markdown.js';
import { destination } from './insert.js';
import { inCode } from './language.js';
import { parseInert } from './trusted.js';
import { named } from './upload.js';

const LARGEST_HTML = 2_000_000;
const PLAIN_MS = 1000;
const ADDRESS = /^https?:\/\/\S+$/;

export const pasteAndDrop = (uploads) => {
  let plainUntil = 0;
  return EditorView.domEventHandlers({
    keydown: (event) => {
      // Browsers do not say with the paste which key it came from.
      if (event.shiftKey && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'v') plainUntil = Date.now() + PLAIN_MS;
      return false;
    },
    paste: (event, view) => {
      const plain = Date.now() < plainUntil;
      plainUntil = 0;
      const data = event.clipboardData;
      if (!data || view.state.readOnly) return false;
      const done = () => {
        event.preventDefault();
        return true;
      };
      const wantsText = plain || inCode(view.state, view.state.selection.main.head);
      const text = data.getData('text/plain');
      const markdown = wantsText ? '' : formatted(data.getData('text/html'), text);
      if (markdown) {
        insertText(view, markdown);
        return done();
      }
      if (data.files.length && uploads.possible()) {
        uploads.insert(view, [...data.files].map((file) => named(file)), view.state.selection.main);
        return done();
      }
      return !wantsText && linkSelection(view, text.trim()) ? done() : false;
    },
    drop: (event, view) => {
      const files = event.dataTransfer?.files;
      if (!files?.length || !uploads.possible()) return false;
      event.preventDefault();
      const at = view.posAtCoords({ x: event.clientX, y: event.clientY }, false);
      uploads.insert(view, [...files], { from: at, to: at });
      view.focus();
      return true;
    },
  });
};

/** Markdown, if the HTML says more than the plain text beside it. */
const formatted = (html, text) => {
  if (!html || html.length > LARGEST_HTML) return '';
  const markdown = toMarkdown(parseInert(html));
  return markdown === text.trim() ? '' : markdown;
};

const insertText = (view, markdown) => {
  const { main } = view.state.selection;
  const before = view.state.sliceDoc(view.state.doc.lineAt(main.from).from, main.from);
  const isBlock = /\n|^(?:#{1,6} |[-*+] |\d+\. |> |\||```)/.test(markdown);
  const insert = (isBlock && before.trim() ? '\n\n' : '') + markdown;
  view.dispatch({
    changes: { from: main.from, to: main.to, insert },
    selection: { anchor: main.from + insert.length },
    scrollIntoView: true,
    userEvent: 'input.paste',
  });
};

/** An address over some words of one line makes them a link. */
const linkSelection = (view, address) => {
  const { from, to, empty } = view.state.selection.main;
  const words = view.state.sliceDoc(from, to);
  if (empty || words.includes('\n') || !ADDRESS.test(address) || ADDRESS.test(words.trim())) return false;
  const insert = `[${words}](${destination(address)})`;
  view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, scrollIntoView: true, userEvent: 'input.paste' });
  return true;
};

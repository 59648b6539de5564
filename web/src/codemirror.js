// The text field: CodeMirror in a shadow root, beside a hidden textarea that carries the text when the form is sent.

import { autocompletion, closeBrackets } from '@codemirror/autocomplete';
import { history } from '@codemirror/commands';
import { bracketMatching, indentUnit } from '@codemirror/language';
import { highlightSelectionMatches, search } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { EditorView, dropCursor, highlightActiveLine, placeholder } from '@codemirror/view';
import { completionSources } from './complete.js';
import { direction } from './direction.js';
import { make } from './dom.js';
import { bindings, leaveByTab } from './keys.js';
import { markdown } from './language.js';
import { pasteAndDrop } from './paste.js';
import { phrases } from './phrases.js';
import { say } from './say.js';
import { surroundSelection } from './surround.js';
import { tableTools } from './table-tools.js';
import { appearance, frameStyle } from './theme.js';
import { toolbar } from './toolbar.js';
import { startUploads } from './upload.js';

/** Above this the textarea gets its copy when writing pauses, because copying takes longer than a keystroke should. */
const COPIED_AT_ONCE = 100_000;
const PAUSE_MS = 300;

export const codeMirrorSource = (form, area, notices) => {
  // Without constructed style sheets CodeMirror would use style elements, which the Content-Security-Policy refuses.
  if (!('adoptedStyleSheets' in Document.prototype)) throw new Error('this browser is too old');
  const uploads = startUploads(form, notices);
  const listeners = [];
  const changed = (update) => {
    if (!update.docChanged) return;
    copySoon();
    for (const listener of listeners) listener();
  };
  const { host, view } = mount(area, [extensions(form, area, uploads), EditorView.updateListener.of(changed)], (field) => toolbar(field, uploads, form));
  placeCursor(view, form);

  let copied = area.value, timer = 0;
  const store = () => {
    clearTimeout(timer);
    area.value = view.state.doc.toString();
    copied = area.value;
  };
  const copySoon = () => {
    clearTimeout(timer);
    if (view.state.doc.length < COPIED_AT_ONCE) store();
    else timer = setTimeout(store, PAUSE_MS);
  };
  /** Other scripts may write into the textarea, as they could before. */
  const adopt = () => {
    if (area.value === copied) return;
    copied = area.value;
    replaceText(view, copied);
  };
  area.addEventListener('input', adopt);

  const wasFocused = area.autofocus || document.activeElement === area;
  area.hidden = true;
  if (wasFocused) view.focus();
  return {
    text: () => {
      adopt();
      return view.state.doc.toString();
    },
    cursor: () => {
      const { head } = view.state.selection.main;
      const line = view.state.doc.lineAt(head);
      return { line: line.number - 1, ch: head - line.from };
    },
    onChange: (listener) => listeners.push(listener),
    focus: () => view.focus(),
    show: (visible) => {
      host.hidden = !visible;
      if (visible) view.requestMeasure();
    },
    store: () => {
      adopt();
      store();
    },
    busy: uploads.busy,
    settled: uploads.settled,
  };
};

const mount = (area, parts, tools) => {
  const host = make('div', { 'data-codemirror': '' });
  const root = host.attachShadow({ mode: 'open' });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(frameStyle);
  root.adoptedStyleSheets = [sheet];
  const text = make('div', { class: 'text' });
  const hint = make('p', { class: 'unseen', id: 'leaving' }, say('Press Escape, then Tab, to leave the text.'));
  const frame = make('div', { class: 'frame' }, text, hint);
  root.append(frame);
  area.after(host);
  try {
    const view = new EditorView({ state: EditorState.create({ doc: area.value, extensions: parts }), parent: text, root });
    frame.prepend(tools(view));
    keepKeysInside(host);
    return { host, view };
  } catch (error) {
    host.remove();
    throw error;
  }
};

const extensions = (form, area, uploads) => [
  bindings,
  leaveByTab,
  pasteAndDrop(uploads),
  history(),
  markdown,
  appearance,
  EditorView.lineWrapping,
  direction,
  indentUnit.of('    '),
  closeBrackets(),
  surroundSelection,
  bracketMatching(),
  highlightActiveLine(),
  highlightSelectionMatches({ minSelectionLength: 3 }),
  search({ top: true }),
  dropCursor(),
  EditorState.phrases.of(phrases),
  autocompletion({ override: completionSources(form), icons: false, activateOnTypingDelay: 120 }),
  tableTools,
  placeholder(say('Write in Markdown…')),
  EditorView.contentAttributes.of({
    'aria-label': area.getAttribute('aria-label') ?? say('Text'),
    'aria-describedby': 'leaving',
    spellcheck: 'true',
    autocorrect: 'on',
    autocapitalize: 'sentences',
    // What scrolls must be reachable by keys: an editable element is, but not every judge knows.
    tabindex: '0',
  }),
];

/** The page has keys of one letter; from outside the shadow root it cannot see that somebody is writing. */
const keepKeysInside = (host) => {
  host.addEventListener('keydown', (event) => {
    if (!event.ctrlKey && !event.metaKey && event.key !== 'Escape') event.stopPropagation();
  });
};

/** Where the last draft stopped; below the heading of a new page; else at the beginning. */
const placeCursor = (view, form) => {
  const { doc } = view.state;
  const line = Number.parseInt(form.dataset.cursorLine, 10);
  if (line >= 0 && line < doc.lines) {
    const { from, to } = doc.line(line + 1);
    const anchor = Math.min(from + (Number.parseInt(form.dataset.cursorCh, 10) || 0), to);
    view.dispatch({ selection: { anchor }, scrollIntoView: true });
  } else if (/^# .*\n\n$/.test(doc.toString())) {
    view.dispatch({ selection: { anchor: doc.length } });
  }
};

/** Only what differs is replaced, so that the cursor stays where it was. */
const replaceText = (view, text) => {
  const old = view.state.doc.toString();
  const shorter = Math.min(old.length, text.length);
  let start = 0, end = 0;
  while (start < shorter && old[start] === text[start]) start += 1;
  while (end < shorter - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end += 1;
  view.dispatch({ changes: { from: start, to: old.length - end, insert: text.slice(start, text.length - end) } });
};

// Which key does what in the text. The table is also where the toolbar's hints come from.

import { acceptCompletion, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, historyKeymap, indentLess, indentMore, redo } from '@codemirror/commands';
import { openSearchPanel, replaceAll, searchKeymap } from '@codemirror/search';
import { Prec } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { continueMarkup } from './continue.js';
import { insertLink } from './insert.js';
import { toggleList } from './lines.js';
import { toggleMark } from './marks.js';
import { say } from './say.js';
import { formatOrInsertTable, toNextCell, toPreviousCell } from './table-commands.js';

const mac = /Mac|iP(hone|ad|od)/.test(navigator.platform);

/** `Mod-Shift-s` as people read it. */
export const spoken = (key) =>
  (mac ? key.replace('Mod-', '⌘').replace('Shift-', '⇧').replace('Alt-', '⌥') : key.replace('Mod-', `${say('Ctrl')}+`).replace('Shift-', `${say('Shift')}+`).replaceAll('-', '+'))
    .replace(/[a-z]$/, (letter) => letter.toUpperCase());

const ITEM = /^[\s>]*(?:[-*+]|\d{1,9}[.)])\s/;

/** Items and selected lines move; elsewhere the key writes four blanks. */
const indent = (view) => {
  const { from, empty } = view.state.selection.main;
  if (!empty || ITEM.test(view.state.doc.lineAt(from).text)) return indentMore(view);
  view.dispatch(view.state.replaceSelection('    '), { scrollIntoView: true, userEvent: 'input' });
  return true;
};

const openReplace = (view) => {
  openSearchPanel(view);
  view.dom.querySelector('.cm-search [name=replace]')?.select();
  return true;
};

const own = [
  { key: 'Mod-b', run: toggleMark('**') },
  { key: 'Mod-i', run: toggleMark('*') },
  { key: 'Mod-Shift-s', run: toggleMark('~~') },
  { key: 'Mod-k', run: insertLink },
  { key: 'Mod-j', run: formatOrInsertTable },
  // The usual bindings have it on some systems only.
  { key: 'Mod-Shift-z', run: redo },
  { key: 'Mod-Shift-f', mac: 'Mod-Alt-f', run: openReplace },
  { key: 'Mod-Shift-r', scope: 'search-panel', run: replaceAll },
  { key: 'Enter', run: continueMarkup },
  { key: 'Tab', run: acceptCompletion },
  { key: 'Tab', run: toNextCell, shift: toPreviousCell },
  { key: 'Tab', run: indent, shift: indentLess },
];

// Mod+Enter saves, which is the form's key.
const usual = [...closeBracketsKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter')];

const LISTS = { Digit7: toggleList('number'), Digit8: toggleList('bullet'), Digit9: toggleList('task') };

/** By the place of the key: on many keyboards these digits are other signs once Shift is held. */
const listKeys = EditorView.domEventHandlers({
  keydown: (event, view) => {
    const run = event.shiftKey && !event.altKey && (event.ctrlKey || event.metaKey) && LISTS[event.code];
    return run ? run(view) : false;
  },
});

export const bindings = [Prec.highest(listKeys), Prec.high(keymap.of(own)), keymap.of(usual)];

const LEAVING_MS = 30_000;

/** Escape, then Tab, leaves the text. CodeMirror gives people two seconds for it, which is too short for some. */
export const leaveByTab = EditorView.domEventHandlers({
  keydown: (event, view) => {
    // After CodeMirror's own handler, which is called after this one.
    if (event.key === 'Escape') queueMicrotask(() => view.setTabFocusMode(LEAVING_MS));
    return false;
  },
});

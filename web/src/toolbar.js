// The toolbar above the text. Every button is a command that a key or a few letters could have done.

import { redo, undo } from '@codemirror/commands';
import { openSearchPanel } from '@codemirror/search';
import { arrowKeys } from './arrow-keys.js';
import { make, makeButton } from './dom.js';
import { gallery } from './gallery.js';
import { icon } from './icons.js';
import { insertDiagram, insertFootnote, insertLink } from './insert.js';
import { spoken } from './keys.js';
import { cycleHeading, toggleAlert, toggleFence, toggleFold, toggleList, toggleQuote, toggleSpoiler } from './lines.js';
import { toggleMark } from './marks.js';
import { say } from './say.js';
import { formatOrInsertTable } from './table-commands.js';

const tool = (name, label, command, key) => ({ name, label, command, key });

const ALERTS = [['NOTE', say('Note')], ['TIP', say('Tip')], ['IMPORTANT', say('Important')], ['WARNING', say('Warning')], ['CAUTION', say('Caution')]]
  .map(([kind, word]) => [word, toggleAlert(kind)]);

const groups = (chooseFile, chooseKept) => [
  [tool('undo', say('Undo'), undo, 'Mod-z'), tool('redo', say('Redo'), redo, 'Mod-Shift-z'), tool('search', say('Find and replace'), openSearchPanel, 'Mod-f')],
  [
    tool('bold', say('Bold'), toggleMark('**'), 'Mod-b'),
    tool('italic', say('Italic'), toggleMark('*'), 'Mod-i'),
    tool('strike', say('Strikethrough'), toggleMark('~~'), 'Mod-Shift-s'),
    tool('heading', say('Heading'), cycleHeading),
    tool('quote', say('Quote'), toggleQuote),
  ],
  [
    tool('bullets', say('Bullet list'), toggleList('bullet'), 'Mod-Shift-8'),
    tool('numbers', say('Numbered list'), toggleList('number'), 'Mod-Shift-7'),
    tool('tasks', say('Task list'), toggleList('task'), 'Mod-Shift-9'),
  ],
  [tool('code', say('Code'), toggleMark('`')), tool('fence', say('Code block'), toggleFence)],
  [
    tool('link', say('Link'), insertLink, 'Mod-k'),
    ...(chooseFile ? [tool('image', say('Upload a picture or file'), chooseFile)] : []),
    tool('files', say('Files of this page'), chooseKept),
    tool('table', say('Table: insert or straighten'), formatOrInsertTable, 'Mod-j'),
    tool('footnote', say('Footnote'), insertFootnote),
  ],
  [
    { name: 'alert', label: say('Alert'), menu: ALERTS },
    tool('spoiler', say('Spoiler'), toggleSpoiler),
    tool('fold', say('Folded block'), toggleFold),
    tool('diagram', say('Diagram'), insertDiagram),
  ],
];

export const toolbar = (view, uploads, form) => {
  const bar = make('div', { class: 'toolbar', role: 'toolbar', 'aria-label': say('Formatting') });
  const run = (command) => {
    command(view);
    view.focus();
  };
  const chooser = uploads.possible() ? fileChooser(view, uploads) : null;
  const chooseFile = chooser && (() => chooser.click());
  groups(chooseFile, gallery(form)).forEach((group, i) => {
    if (i) bar.append(make('span', { role: 'separator' }));
    for (const item of group) bar.append(item.menu ? menuOf(item, run) : buttonOf(item, run));
  });
  if (chooser) bar.append(chooser);
  // A click must not take the selection away before the command has read it.
  bar.addEventListener('mousedown', (event) => { if (event.target.closest('button')) event.preventDefault(); });
  arrowKeys(bar);
  return bar;
};

const buttonOf = ({ name, label, command, key }, run) =>
  makeButton({ class: 'tool', 'data-tool': name, 'aria-label': label, title: key ? `${label} (${spoken(key)})` : label }, () => run(command), icon(name));

const fileChooser = (view, uploads) => {
  const chooser = make('input', { type: 'file', multiple: '', hidden: '', tabindex: '-1', 'aria-hidden': 'true' });
  chooser.addEventListener('change', () => {
    uploads.insert(view, [...chooser.files], view.state.selection.main);
    chooser.value = '';
    view.focus();
  });
  return chooser;
};

/** A button that opens a list of commands. */
const menuOf = ({ name, label, menu }, run) => {
  const list = make('div', { role: 'menu', 'aria-label': label });
  list.hidden = true;
  const button = makeButton({ class: 'tool', 'data-tool': name, 'aria-label': label, title: label, 'aria-haspopup': 'menu', 'aria-expanded': 'false' }, () => open(list.hidden), icon(name));
  const wrapper = make('span', { class: 'menu' }, button, list);
  const open = (wanted) => {
    list.hidden = !wanted;
    button.setAttribute('aria-expanded', wanted);
    list.classList.remove('to-left');
    if (!wanted) return;
    const { left, right } = list.getBoundingClientRect();
    list.classList.toggle('to-left', left < 0 || right > window.innerWidth);
    list.firstChild.focus();
  };
  for (const [text, command] of menu) {
    const item = makeButton({ role: 'menuitem', tabindex: '-1' }, () => {
      open(false);
      run(command);
    }, text);
    list.append(item);
  }
  list.addEventListener('keydown', (event) => {
    const items = [...list.children];
    const at = items.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to % items.length].focus();
    else if (event.key === 'Escape') {
      open(false);
      button.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  wrapper.addEventListener('focusout', (event) => { if (!wrapper.contains(event.relatedTarget)) open(false); });
  return wrapper;
};

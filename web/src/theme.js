// What the editor looks like. All colours are custom properties of style.css, so light and dark need nothing here.

import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { embedding, marked } from './language.js';

/** The frame around CodeMirror: toolbar, menus. The host takes the room that the form's grid gives it and asks for none. */
export const frameStyle = `
:host { display: block; position: relative; min-width: 0; min-height: min(24rem, 75vh); }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
.frame { position: absolute; inset: 0; display: flex; flex-direction: column; border: 1px solid var(--field); border-radius: var(--radius); background: var(--bg); }
.frame:focus-within { border-color: var(--accent); }
.frame:has(.cm-content:focus-visible) { outline: 2px solid var(--accent); outline-offset: -1px; }
.text { flex: 1; min-height: 0; }
.toolbar { display: flex; flex-wrap: wrap; gap: .1rem; padding: .25rem; border-bottom: 1px solid var(--line); border-radius: var(--radius) var(--radius) 0 0; background: var(--panel); }
.toolbar [role=separator] { width: 1px; margin: .35rem .2rem; background: var(--line-strong); }
button { font: inherit; cursor: pointer; }
.tool { display: inline-grid; place-items: center; min-width: 2rem; height: 2rem; padding: 0 .35rem; border: 0; border-radius: .35rem; background: none; color: var(--muted); font: .8125rem/1 var(--sans); }
.tool:hover, .tool[aria-expanded=true] { background: var(--accent-soft); color: var(--accent-strong); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -1px; }
svg { width: 1.125rem; height: 1.125rem; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
.menu { position: relative; display: inline-grid; }
.menu > [role=menu] { position: absolute; z-index: 5; top: 100%; inset-inline-start: 0; min-width: 9rem; padding: .3rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--raised); box-shadow: var(--shadow); }
.menu > [role=menu].to-left { inset-inline: auto 0; }
[role=menu] button { display: block; width: 100%; padding: .35rem .6rem; border: 0; border-radius: .3rem; background: none; color: var(--text); font: .875rem/1.4 var(--sans); text-align: start; }
[role=menu] button:is(:hover, :focus) { background: var(--accent-soft); color: var(--accent-strong); }
.gallery { width: min(40rem, 92vw); max-height: min(32rem, 80vh); padding: 1.25rem; border: 1px solid var(--line); border-radius: .9rem; background: var(--raised); color: var(--text); box-shadow: var(--shadow); font: .9063rem/1.45 var(--sans); }
.gallery::backdrop { background: rgb(0 0 0 / .35); }
.gallery h2 { margin: 0 0 .75rem; color: var(--strong); font-size: 1.0625rem; }
.gallery input { width: 100%; margin-bottom: .75rem; padding: .45rem .7rem; border: 1px solid var(--field); border-radius: .4rem; background: var(--bg); color: var(--text); font: 1rem/1.4 var(--sans); }
.gallery ul { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .6rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.gallery form .tool { padding: .45rem .9rem; height: auto; border: 1px solid var(--line-strong); color: var(--text); font-size: .875rem; }
.gallery p { margin: 0 0 1rem; color: var(--muted); }
.gallery p:empty { display: none; }
.gallery li button { display: grid; gap: .35rem; width: 100%; padding: .4rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--bg); color: var(--text); font: .8125rem/1.3 var(--sans); overflow-wrap: anywhere; text-align: start; }
.gallery li button:is(:hover, :focus-visible) { border-color: var(--accent); }
.gallery :is(img, .kind) { display: grid; place-items: center; width: 100%; height: 6rem; border-radius: .3rem; background: var(--panel); color: var(--muted); object-fit: contain; font: 600 .875rem/1 var(--mono); text-transform: uppercase; }
[hidden] { display: none !important; }
.unseen { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 36rem) { .toolbar { gap: 0; } .toolbar [role=separator] { display: none; } }
`;

const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', fontSize: '.9063rem', lineHeight: '1.65', overscrollBehavior: 'auto' },
  '.cm-content': { padding: '.85rem 0 2rem', caretColor: 'var(--strong)', tabSize: 4 },
  '.cm-line': { padding: '0 1.15rem' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--accent) 6%, transparent)' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '& ::selection': { backgroundColor: 'color-mix(in srgb, var(--accent) 28%, transparent) !important' },
  '.cm-dropCursor': { borderInlineStart: '2px solid var(--accent)' },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)' },
  '.cm-searchMatch': { backgroundColor: 'var(--mark)' },
  '.cm-searchMatch-selected': { backgroundColor: 'color-mix(in srgb, var(--accent) 40%, transparent)' },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in srgb, var(--accent) 12%, transparent)' },

  '.cm-panels': { backgroundColor: 'var(--panel)', color: 'var(--text)', fontFamily: 'var(--sans)' },
  '.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-panels-bottom': { borderTop: '1px solid var(--line)', borderRadius: '0 0 var(--radius) var(--radius)' },
  '.cm-panel.cm-search': { padding: '.4rem .5rem', paddingInlineEnd: '2rem', fontSize: '.875rem' },
  '.cm-panel.cm-search [name=close]': { top: '.3rem', right: 'auto', insetInlineEnd: '.5rem', color: 'var(--muted)', fontSize: '1.25rem' },
  '.cm-panel.cm-search label': { fontSize: '.8125rem', whiteSpace: 'nowrap' },
  '.cm-textfield': { padding: '.25rem .5rem', border: '1px solid var(--field)', borderRadius: '.35rem', backgroundColor: 'var(--bg)', color: 'var(--text)', font: '.875rem/1.4 var(--sans)' },
  '.cm-button': { padding: '.25rem .6rem', border: '1px solid var(--line-strong)', borderRadius: '.35rem', backgroundImage: 'none', backgroundColor: 'var(--raised)', color: 'var(--text)', fontSize: '.8125rem' },
  '.cm-button:active': { backgroundImage: 'none' },

  '.cm-tooltip': { border: '1px solid var(--line)', borderRadius: '.5rem', backgroundColor: 'var(--raised)', boxShadow: 'var(--shadow)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--sans)', fontSize: '.875rem', maxHeight: '14rem' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '.3rem .6rem', color: 'var(--text)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--accent-strong)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '650' },
  '.table-tools': { display: 'flex', flexWrap: 'wrap', padding: '.15rem .25rem' },
  '@media (max-width: 36rem)': { '.table-tools': { flexWrap: 'nowrap', overflowX: 'auto' }, '.table-tools .tool': { flex: 'none' } },
  // Below 16 pixels phones enlarge the whole page when a field is touched.
  '@media (pointer: coarse)': { '.cm-scroller': { fontSize: '1rem' }, '.cm-textfield': { fontSize: '1rem' } },
});

const colours = HighlightStyle.define([
  { tag: tags.heading1, color: 'var(--strong)', fontWeight: '700', fontSize: '1.2em' },
  { tag: tags.heading2, color: 'var(--strong)', fontWeight: '700', fontSize: '1.1em' },
  { tag: [tags.heading3, tags.heading4, tags.heading5, tags.heading6, tags.heading], color: 'var(--strong)', fontWeight: '700' },
  { tag: tags.strong, color: 'var(--strong)', fontWeight: '700' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strikethrough, textDecoration: 'line-through' },
  { tag: marked, backgroundColor: 'var(--mark)' },
  { tag: tags.link, color: 'var(--accent)' },
  { tag: [tags.url, tags.labelName, tags.string], color: 'var(--blue)' },
  { tag: embedding, color: 'var(--violet)' },
  { tag: tags.monospace, color: 'var(--green)' },
  { tag: tags.quote, color: 'var(--muted)' },
  { tag: [tags.comment, tags.contentSeparator, tags.processingInstruction], color: 'var(--muted)' },
  { tag: [tags.atom, tags.escape, tags.character], color: 'var(--yellow)' },
]);

export const appearance = [theme, syntaxHighlighting(colours)];

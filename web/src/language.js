// What Markdown looks like to the text field: GitHub's, and what a wiki adds to it.

import { Language, defineLanguageFacet, languageDataProp, syntaxTree } from '@codemirror/language';
import { Tag, tags } from '@lezer/highlight';
import { GFM, parser } from '@lezer/markdown';

/** `{{…}}` */
export const embedding = Tag.define();
/** `==…==` */
export const marked = Tag.define();

// A bracket that is never closed must not make every paragraph be read again and again.
const LONGEST_LINK = 500;
const LONGEST_EMBEDDING = 4000;

const OPEN = '['.charCodeAt(0), BRACE = '{'.charCodeAt(0), EQUALS = '='.charCodeAt(0), CARET = '^'.charCodeAt(0);

const wikilink = {
  name: 'WikiLink',
  before: 'Link',
  parse(cx, next, at) {
    if (next !== OPEN || cx.char(at + 1) !== OPEN) return -1;
    const found = /^\[\[[^[\]\n]+\]\]/.exec(cx.slice(at, Math.min(cx.end, at + LONGEST_LINK)));
    return found ? cx.addElement(cx.elt('WikiLink', at, at + found[0].length)) : -1;
  },
};

const footnote = {
  name: 'Footnote',
  before: 'Link',
  parse(cx, next, at) {
    if (next !== OPEN || cx.char(at + 1) !== CARET) return -1;
    const found = /^\[\^[^\s\]]+\]:?/.exec(cx.slice(at, Math.min(cx.end, at + LONGEST_LINK)));
    return found ? cx.addElement(cx.elt('Footnote', at, at + found[0].length)) : -1;
  },
};

const embed = {
  name: 'Embedding',
  before: 'Link',
  parse(cx, next, at) {
    if (next !== BRACE || cx.char(at + 1) !== BRACE) return -1;
    const end = cx.slice(at, Math.min(cx.end, at + LONGEST_EMBEDDING)).indexOf('}}');
    return end < 0 ? -1 : cx.addElement(cx.elt('Embedding', at, at + end + 2));
  },
};

const highlightDelimiter = { resolve: 'Highlight', mark: 'HighlightMark' };
const highlight = {
  name: 'Highlight',
  parse(cx, next, at) {
    if (next !== EQUALS || cx.char(at + 1) !== EQUALS || cx.char(at + 2) === EQUALS) return -1;
    const blank = (text) => /^\s?$/.test(text);
    return cx.addDelimiter(highlightDelimiter, at, at + 2, !blank(cx.slice(at + 2, at + 3)), !blank(cx.slice(at - 1, at)));
  },
};

const wiki = {
  defineNodes: [
    { name: 'WikiLink', style: tags.link },
    { name: 'Footnote', style: tags.link },
    { name: 'Embedding', style: embedding },
    { name: 'Highlight', style: { 'Highlight/...': marked } },
    { name: 'HighlightMark', style: tags.processingInstruction },
  ],
  parseInline: [wikilink, footnote, embed, highlight],
};

const data = defineLanguageFacet({
  commentTokens: { block: { open: '<!--', close: '-->' } },
  // Quotes and apostrophes are not closed by themselves: this is prose.
  closeBrackets: { brackets: ['(', '[', '{'] },
});

/** The parser is wrapped by hand: the usual package brings HTML, CSS and JavaScript along, which are 60 KB with gzip. */
export const markdown = new Language(data, parser.configure([GFM, wiki, { props: [languageDataProp.add({ Document: data })] }]), [], 'markdown');

/** The innermost node around `at` that has one of these names. */
export const around = (state, at, names) => {
  for (let node = syntaxTree(state).resolveInner(at, -1); node; node = node.parent) if (names.includes(node.name)) return node;
  return null;
};

export const inCode = (state, at) => Boolean(around(state, at, ['FencedCode', 'CodeBlock', 'InlineCode']));

// Formatted text as Markdown: what people paste from web pages and word processors. Reads a parsed tree and touches nothing else.

import { destination } from './insert.js';
import { writeTable } from './table-model.js';

const tags = (names) => new Set(names.split(' '));
const BLOCKS = tags('address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table ul');
const SKIPPED = tags('button head iframe link meta noscript object script select style svg template textarea title');
const STRUCTURE = 'h1, h2, h3, h4, h5, h6, ul, ol, a[href], table, pre, code, strong, b, em, i, blockquote, del, s, strike';
const MARKS = { b: '**', strong: '**', i: '*', em: '*', del: '~~', s: '~~', strike: '~~', mark: '==' };
const LINKED = /^(?:https?|mailto|tel|ftps?):/i;
const INDENT = '    ';

/** Markdown, or nothing where the HTML is only text in a certain font. */
export const toMarkdown = (body) => (body.querySelector(STRUCTURE) ? joined(blocksOf(body)).trim() : '');

const tagOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.localName : '');
const isBlock = (node) => BLOCKS.has(tagOf(node)) || (node.nodeType === Node.ELEMENT_NODE && [...node.children].some(isBlock) && !SKIPPED.has(tagOf(node)));
const joined = (blocks) => blocks.map(({ text }) => text).join('\n\n');

/** The blocks in an element: `text`, and whether each is a list, which stands closer. */
const blocksOf = (parent) => {
  const blocks = [];
  let run = [];
  const endRun = () => {
    const text = paragraph(run);
    if (text) blocks.push({ text });
    run = [];
  };
  for (const node of parent.childNodes) {
    if (SKIPPED.has(tagOf(node))) continue;
    if (!isBlock(node)) {
      run.push(node);
      continue;
    }
    endRun();
    blocks.push(...blockOf(node));
  }
  endRun();
  return blocks;
};

const blockOf = (element) => {
  const tag = tagOf(element);
  const heading = /^h([1-6])$/.exec(tag);
  if (heading) {
    const text = inline(element.childNodes).replace(/\s+/g, ' ').trim();
    return text ? [{ text: `${'#'.repeat(Number(heading[1]))} ${text}` }] : [];
  }
  if (tag === 'hr') return [{ text: '---' }];
  if (tag === 'pre') return [{ text: fenced(element) }];
  if (tag === 'ul' || tag === 'ol') return listOf(element);
  if (tag === 'table') return tableOf(element);
  if (tag === 'blockquote') return [{ text: joined(blocksOf(element)).replace(/^/gm, '> ').replace(/ +$/gm, '') }];
  return blocksOf(element);
};

const paragraph = (nodes) => {
  const text = inline(nodes).replace(/ *\n */g, '\n').trim();
  // Signs that would make a line something else; then line breaks, which a plain one is not.
  return text.replace(/^(#{1,6}|[-+>]|=+|-{2,})(?=\s|$)/gm, '\\$1').replace(/^(\d{1,9})([.)])(?=\s)/gm, '$1\\$2').replace(/\n+/g, '\\\n');
};

const inline = (nodes) => [...nodes].map(inlineOf).join('').replace(/ {2,}/g, ' ');

const inlineOf = (node) => {
  if (node.nodeType === Node.TEXT_NODE) return escaped(node.data.replace(/[\s\u00a0]+/g, ' '));
  const tag = tagOf(node);
  if (!tag || SKIPPED.has(tag)) return '';
  if (tag === 'br') return '\n';
  if (tag === 'code' || tag === 'tt' || tag === 'samp') return codeSpan(node.textContent);
  if (tag === 'img') return pictureOf(node);
  if (tag === 'input') return node.type === 'checkbox' ? `[${node.checked ? 'x' : ' '}] ` : '';
  const text = inline(node.childNodes);
  if (tag === 'a') return linkOf(node, text);
  if (isBlock(node)) return ` ${text} `;
  return marksOf(node, tag).reduce(around, text);
};

/** Word processors say with styles what others say with elements, and take elements back with styles. */
const marksOf = ({ style }, tag) => {
  const marks = new Set(MARKS[tag] ? [MARKS[tag]] : []);
  const weight = style.fontWeight;
  if (weight) marks[weight === 'bold' || Number(weight) >= 600 ? 'add' : 'delete']('**');
  if (style.fontStyle) marks[style.fontStyle === 'italic' ? 'add' : 'delete']('*');
  return [...marks];
};

/** Marks touch the words they are for. */
const around = (text, mark) => {
  const [, before, words, after] = /^(\s*)([^]*?)(\s*)$/.exec(text);
  return words ? before + mark + words + mark + after : text;
};

const escaped = (text) => text.replace(/[\\`*[\]<]/g, '\\$&').replace(/(^|\W)_|_(?=\W|$)/g, (found) => found.replace('_', '\\_')).replace(/~~|==/g, '\\$&');

const codeSpan = (text) => {
  if (!text.trim()) return text;
  const ticks = '`'.repeat(longestRun(text) + 1);
  const edge = /^`|`$/.test(text) ? ' ' : '';
  return ticks + edge + text.replace(/\s+/g, ' ') + edge + ticks;
};
const longestRun = (text) => Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));

const linkOf = (element, text) => {
  const href = element.getAttribute('href') ?? '';
  if (!LINKED.test(href) || !text.trim()) return text;
  const address = href.startsWith(`${location.origin}/`) ? href.slice(location.origin.length) : href;
  const words = text.replace(/\n+/g, ' ');
  if (element.textContent.trim() === href) return href;
  return around(words, '').replace(words.trim(), () => `[${words.trim()}](${destination(address)})`);
};

const pictureOf = (element) => {
  const source = element.getAttribute('src') ?? '';
  const alt = escaped((element.getAttribute('alt') ?? '').replace(/\s+/g, ' '));
  return /^https?:/i.test(source) ? `![${alt}](${destination(source)})` : alt;
};

const fenced = (element) => {
  const text = element.textContent.replace(/\n$/, '');
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  const language = /\blang(?:uage)?-([\w+#-]+)/.exec(`${element.className} ${element.querySelector('code')?.className ?? ''}`)?.[1] ?? '';
  return `${fence}${language}\n${text}\n${fence}`;
};

const listOf = (list) => {
  let number = Number(list.getAttribute('start') ?? 1);
  const items = [];
  for (const child of list.children) {
    const tag = tagOf(child);
    // Some put the inner list beside the item it belongs to.
    if ((tag === 'ul' || tag === 'ol') && items.length) items.push(indented(listOf(child)[0]?.text ?? '', INDENT));
    else if (tag === 'li') {
      const marker = tagOf(list) === 'ol' ? `${number}. ` : '- ';
      number += 1;
      items.push(marker + indented(itemText(blocksOf(child)), INDENT).trimStart());
    }
  }
  return items.length ? [{ text: items.join('\n'), isList: true }] : [];
};

const itemText = (blocks) => blocks.map(({ text, isList }, i) => (i === 0 ? '' : isList ? '\n' : '\n\n') + text).join('');
const indented = (text, indent) => text.replace(/^(?=.)/gm, indent);

const tableOf = (table) => {
  const rows = [...table.rows].map((row) => [...row.cells].map(cellText)).filter((row) => row.length);
  const columns = Math.max(0, ...rows.map((row) => row.length));
  // One column is a layout, not a table.
  if (columns < 2) return [...table.rows].flatMap((row) => [...row.cells].flatMap(blocksOf));
  const filled = rows.map((row) => [...row, ...Array(columns - row.length).fill('')]);
  return [{ text: writeTable({ prefix: '', aligns: Array(columns).fill(''), rows: filled }).join('\n') }];
};

const cellText = (cell) => inline(cell.childNodes).trim().replace(/\s*\n\s*/g, '<br>').replace(/\|/g, '\\|');

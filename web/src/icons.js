// Small drawings for the toolbar, 24 by 24, made by calls because text is never made into HTML.

const PATHS = {
  undo: 'M9 14 4 9l5-5M4 9h10a5.5 5.5 0 0 1 0 11h-3',
  redo: 'm15 14 5-5-5-5M20 9H10a5.5 5.5 0 0 0 0 11h3',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm9 16-4-4',
  bold: 'M7 5h6a3.5 3.5 0 0 1 0 7H7Zm0 7h7a3.5 3.5 0 0 1 0 7H7Z',
  italic: 'M10 5h8M6 19h8M14 5l-4 14',
  strike: 'M4 12h16M16.5 8c-.4-1.8-2-3-4.3-3C9.8 5 8 6.2 8 8.200c0 1.2.5 2 1.3 2.600M7.5 16c.5 1.8 2.2 3 4.5 3 2.5 0 4.5-1.2 4.5-3.3 0-.6-.1-1.1-.4-1.5',
  heading: 'M6 5v14M18 5v14M6 12h12',
  quote: 'M5 6v12M9 8h10M9 12h10M9 16h6',
  bullets: 'M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  numbers: 'M10 6h10M10 12h10M10 18h10M4 5l1.5-1v5M4 15.500c.2-1.5 2.7-1.5 2.5 0C6.4 16.8 4 18 4 19h2.6',
  tasks: 'M11 7h9M11 17h9M3.5 7 5 8.500l3-3.500M3.5 17 5 18.500l3-3.5',
  code: 'm8 7-5 5 5 5m8-10 5 5-5 5',
  fence: 'M4 4h16v16H4Zm6 5-3 3 3 3m4-6 3 3-3 3',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3A4 4 0 0 0 13.3 5.700l-1.5 1.500M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.700l1.5-1.5',
  image: 'M4 5h16v14H4Zm4.5 4.500h.01M4 17l5-4 3 2.5 4-4.5 4 4',
  files: 'M7 7V4h13v12h-3M4 7h13v13H4Zm3 10 3.500-3.500 2 2 1.500-1.500L17 17',
  table: 'M4 5h16v14H4Zm0 5h16M4 14.500h16M10 5v14',
  footnote: 'M3 19 8 7l5 12M5 15h6M17 6l2-1.500V11',
  alert: 'M12 4 3 19h18Zm0 6v4m0 2.500v.01',
  spoiler: 'M3 12c2.5-4 5.5-6 9-6s6.5 2 9 6c-2.5 4-5.5 6-9 6s-6.5-2-9-6ZM5 20 19 4',
  fold: 'M4 5h16M8 10l4 4 4-4M4 19h16',
  diagram: 'M9 3h6v5H9ZM3 16h6v5H3Zm12 0h6v5h-6ZM12 8v4m-6 4v-4h12v4',
};

const SVG = 'http://www.w3.org/2000/svg';

export const icon = (name) => {
  const [svg, path] = [document.createElementNS(SVG, 'svg'), document.createElementNS(SVG, 'path')];
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
};

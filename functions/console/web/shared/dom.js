// Elements, made of data. Texts become text nodes: nothing that comes from elsewhere is ever read as HTML.

const AS_PROPERTY = new Set(['value', 'checked', 'disabled', 'hidden', 'required', 'readOnly', 'indeterminate']);

/** An element with attributes, `on…` listeners and children; what is `undefined`, `null` or `false` is left out. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (AS_PROPERTY.has(key)) node[key] = value;
    else node.setAttribute(key === 'class' ? 'class' : key, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/** A sentence of the API: what stands between backticks is code. */
export const prose = (text) => text.split('`').map((part, at) => (at % 2 ? el('code', {}, part) : part));

const SVG = 'http://www.w3.org/2000/svg';
const SHAPES = {
  alert: 'M12 8v5m0 3.5v.01M10.3 4 2.6 17.5A2 2 0 0 0 4.3 20.5h15.4a2 2 0 0 0 1.7-3L13.7 4a2 2 0 0 0-3.4 0Z',
  apps: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  back: 'm14 6-6 6 6 6',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  door: 'M13 4h6v16h-6M4 12h10m-3.5-3.5L14 12l-3.5 3.5',
  health: 'M3 12h4l3 7 4-14 3 7h4',
  house: 'M4 11.5 12 5l8 6.5M6 10v9h12v-9M10 19v-5h4v5',
  info: 'M12 11v5m0-8.5v.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  key: 'M15 4a5 5 0 1 1-2.2 9.5L10 16.3V18H8v2H4v-3.5l6.3-6.3A5 5 0 0 1 15 4Zm1 4v.01',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 21h4',
  list: 'M8 6h12M8 12h12M8 18h12M4 6v.01M4 12v.01M4 18v.01',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  menu: 'M4 7h16M4 12h16M4 17h16',
  next: 'm10 6 6 6-6 6',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8.5a7.5 7.5 0 0 1 15 0',
  plug: 'M10 8H8.5a4 4 0 0 0 0 8H10m4-8h1.5a4 4 0 0 1 0 8H14m-5-4h6',
  plus: 'M12 5v14M5 12h14',
  puzzle: 'M10 4a2 2 0 1 1 4 0v2h4v4h2a2 2 0 1 1 0 4h-2v6H6v-6H4a2 2 0 1 1 0-4h2V6h4Z',
  stop: 'M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7zM9 9l6 6m0-6-6 6',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.5 4.5',
};

/** A picture of our own, for those who see it only. */
export function icon(shape) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', SHAPES[shape]);
  svg.append(path);
  return svg;
}

/** A box that says something: `kind` is `info`, `good`, `warn` or `bad`. */
export function note(kind, ...children) {
  const shape = { info: 'info', good: 'check' }[kind] ?? 'alert';
  return el('div', { class: `note ${kind}` }, icon(shape), el('div', {}, ...children));
}

/** A link to a page elsewhere, if the address is one that a browser may be sent to. */
export function outside(href, text) {
  const isWeb = URL.canParse(href) && new URL(href).protocol === 'https:';
  return isWeb ? el('a', { href, rel: 'noreferrer noopener', target: '_blank' }, text) : text;
}

let last = 0;

/** An id that no other element of the page has. */
export function freshId(prefix) {
  last += 1;
  return `${prefix}-${last}`;
}

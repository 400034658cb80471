// The API reference: finds routes by words that stand anywhere in them, and opens the one that the address names.

const field = document.getElementById('filter');
const found = document.getElementById('found');
const routes = [...document.querySelectorAll('main details')];
const rooms = [...document.querySelectorAll('main section')];

/** What stands in each route, by the time that somebody looks for something. */
let texts;

function filter() {
  texts ??= routes.map((one) => one.textContent.toLowerCase());
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let number = 0;
  for (const [at, route] of routes.entries()) {
    route.hidden = !words.every((word) => texts[at].includes(word));
    number += route.hidden ? 0 : 1;
  }
  for (const room of rooms) room.hidden = !room.querySelector('details:not([hidden])');
  found.textContent = words.length === 0 ? '' : said(number);
}

function said(number) {
  if (number === 0) return 'No route has all of these words in it.';
  return number === 1 ? '1 route' : `${number} routes`;
}

/** Opens the route that the address names, whatever is looked for. */
function openNamed() {
  const named = routes.find((one) => one.id && one.id === location.hash.slice(1));
  if (!named) return;
  if (named.hidden) {
    field.value = '';
    filter();
  }
  named.open = true;
  named.scrollIntoView();
}

/** Whoever opens a route has its address, to hand it on. */
for (const route of routes)
  route.addEventListener('toggle', () => {
    if (route.open && route.id) history.replaceState(null, '', `#${route.id}`);
  });

field.addEventListener('input', filter);
addEventListener('hashchange', openNamed);
openNamed();

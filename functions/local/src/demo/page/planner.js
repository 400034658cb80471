// Planner: a scheduling app whose users connect their own calendars. What an app has to write for that is all here; the
// other half is its backend, which asks for the user's token and reads the calendar with it (see `backend.rs`).

import { configure } from '/connect.js';

const DAYS = 4;
const [OPENS, CLOSES] = [9, 17];
const SLOT = 30 * 60_000; // ms

const find = (id) => document.getElementById(id);
const { app_id: app, connector_id: calendar, users } = await (await fetch('/demo/config')).json();

// ---- Sign-in. A real app has its own; what counts is that it gives its user a token.

const user = users.find((known) => known === sessionStorage.getItem('user')) ?? users[0];
let token;

async function getToken({ fresh } = {}) {
  if (!token || fresh) token = (await (await fetch(`/demo/users/${user}/token`, { method: 'POST' })).json()).token;
  return token;
}

find('user').replaceChildren(...users.map((name) => new Option(name[0].toUpperCase() + name.slice(1), name)));
find('user').value = user;
find('user').onchange = ({ target }) => {
  sessionStorage.setItem('user', target.value);
  location.reload();
};

// ---- The calendar. This is all it takes: the button connects, says how it stands, and disconnects.

const connectors = configure({ app, getToken });
find('calendar').setAttribute('connector', calendar);
connectors.addEventListener('connected', showWeek);
connectors.addEventListener('disconnected', showWeek);
await showWeek();

// ---- The week: what is in the user's calendar, and what is free beside it.

async function showWeek() {
  const headers = { authorization: `Bearer ${await getToken()}` };
  const answer = await fetch('/demo/backend/events', { method: 'POST', headers });
  const { events = [], calendar: whose, code, detail } = await answer.json();
  const isKnown = answer.ok;
  find('calendar-note').hidden = isKnown;
  const isNew = code === 'NOT_FOUND';
  find('week-note').textContent = isKnown ? `From the calendar of ${whose}.` : isNew ? 'Everything looks free so far.' : detail;
  const busy = events.map((event) => ({ ...event, from: new Date(event.starts_at), to: new Date(event.ends_at) }));
  find('week').replaceChildren(...nextDays().map((day) => dayCard(day, busy, isKnown)));
}

function nextDays() {
  return Array.from({ length: DAYS }, (_, ahead) => {
    const day = new Date();
    day.setHours(0, 0, 0, 0);
    day.setDate(day.getDate() + ahead);
    return day;
  });
}

function dayCard(day, busy, isKnown) {
  const isToday = (time) => time.toDateString() === day.toDateString();
  const events = busy.filter(({ from }) => isToday(from));
  const free = freeSlots(day, busy);
  const title = make('h3', { textContent: day.toLocaleDateString(undefined, { weekday: 'short', day: 'numeric', month: 'short' }) });
  const rows = events.map(({ from, to, title: what, place }) =>
    make(
      'li',
      {},
      make('time', { dateTime: from.toISOString(), textContent: `${clock(from)} – ${clock(to)}` }),
      make('strong', { textContent: what }),
      make('span', { className: 'quiet', textContent: place }),
    ),
  );
  const slots = free.slice(0, 3).map((slot) => make('li', { textContent: clock(slot) }));
  const more = free.length > slots.length && make('li', { className: 'more', textContent: `${free.length - slots.length} more` });
  return make(
    'li',
    { className: 'card day' },
    title,
    rows.length ? make('ul', { className: 'events' }, ...rows) : isKnown && make('p', { className: 'quiet', textContent: 'Nothing planned.' }),
    make('p', { className: 'quiet small', textContent: free.length ? 'Free for others' : 'No time left' }),
    make('ul', { className: 'slots' }, ...slots, more),
  );
}

/** The half-hours of a day's office hours that are to come and overlap with nothing. */
function freeSlots(day, busy) {
  const [from, to] = [OPENS, CLOSES].map((hour) => new Date(day).setHours(hour));
  const slots = Array.from({ length: (to - from) / SLOT }, (_, index) => new Date(from + index * SLOT));
  const overlaps = (slot, event) => event.from < slot.getTime() + SLOT && event.to > slot;
  return slots.filter((slot) => slot > Date.now() && !busy.some((event) => overlaps(slot, event)));
}

function clock(time) {
  return time.toLocaleTimeString(undefined, { hour: 'numeric', minute: '2-digit' });
}

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter(Boolean));
  return element;
}

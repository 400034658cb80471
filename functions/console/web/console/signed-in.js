// Where the workspace's issuer sends people back to: this page becomes the console, or hands over to the one that waits.
import { el, note } from '../shared/dom.js';
import { arrive } from './arrival.js';
import { finish, handOver, takeKept } from './organisation.js';

const answer = Object.fromEntries(new URLSearchParams(location.search));
// The code is spent once; neither the history nor what is copied from the address bar keeps it.
history.replaceState(null, '', location.pathname);

function say(title, ...content) {
  document.title = `${title} · Connectors console`;
  const heading = document.querySelector('h1');
  heading.textContent = title;
  document.querySelector('[role="status"]').replaceChildren(...content);
  heading.focus();
}

const back = (workspace) =>
  el('p', {}, el('a', { class: 'button primary', href: ['/console', workspace].filter(Boolean).join('/') }, 'Back'));

const kept = takeKept(answer.state);
if (kept) await enter(kept);
else if (answer.state && (await handOver(answer))) {
  say('You are signed in', el('p', {}, 'You can close this window and go on where you were.'));
  window.close();
} else
  say(
    'This sign-in was not begun here',
    note('warn', el('p', {}, 'It was begun in another browser, or is long over. Begin it again from the console.')),
    back(),
  );

async function enter({ workspace, to, ...rest }) {
  try {
    arrive(await finish({ workspace, ...rest }, answer));
  } catch (problem) {
    say('You are not signed in', note('bad', el('p', {}, problem.message)), back(workspace));
    return;
  }
  history.replaceState(null, '', to);
  await import('./main.js');
}

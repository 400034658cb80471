// Endpoints that an issuer names elsewhere by now: nothing goes there until an admin accepts them.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { announce, ask, button, facts } from './parts.js';

/** How many pages of the audit trail are searched for the hosts. */
const PAGES = 5;

/** Whether it was found that the issuer of a provider of the workspace's own names other endpoints. */
export const hasMoved = (examined, provider) =>
  Boolean(!provider || provider.custom) && Boolean(examined.doctor?.findings?.some(isMove));

export const isMove = ({ code }) => code === 'endpoint_moved';

/** What is to be done about it, in the words of this page. */
export const WHAT_TO_DO =
  'Ask the provider whether it has moved. If it has, accept the new endpoints on the connector’s page. Until then the old ones stay, so that no secret goes to an address that it was not made for.';

/** The latest that the trail tells of where the endpoints of a connector went. */
async function hosts(api, id) {
  let cursor;
  for (let pages = 0; pages < PAGES; pages += 1) {
    const page = await api.get('/audit', { cursor });
    const told = page.events.find(({ action, target }) => action === 'connector.endpoints_moved' && target === id);
    if (told) return told.details;
    cursor = page.next_cursor;
    if (!cursor) break;
  }
  return undefined;
}

const list = (text) => (text ?? '').split(' ').map((host) => el('code', { class: 'block' }, host));

/** A button that accepts what the issuer names now, after it was said where that is. */
export function acceptButton(context, examined) {
  return button('Accept the new endpoints', { action: () => accept(context, examined) });
}

async function accept({ api, again }, examined) {
  const told = await hosts(api, examined.id);
  const where = path('connectors', examined.id);
  const done = await ask({
    title: 'Accept the new endpoints?',
    body: [
      told
        ? el(
            'div',
            { class: 'card panel' },
            facts([
              ['Hosts until now', list(told.hosts_before)],
              ['Hosts from then on', list(told.hosts)],
            ]),
          )
        : el(
            'p',
            {},
            'The latest entries of the audit trail don’t say which hosts these are. Look at the issuer’s metadata first.',
          ),
      note(
        'warn',
        el('p', {}, el('strong', {}, 'The client’s secret and everybody’s tokens go there from then on.')),
        el('p', {}, 'Accept them only if the provider itself says that it has moved.'),
      ),
    ],
    yes: 'Accept them',
    no: 'Keep the old ones',
    action: () => api.put(where, { accept_endpoints: true }),
  });
  if (!done) return;
  // What was found before is not true any more. If it can't be examined now, that happens by itself.
  await api.post(`${where}/doctor`).catch(() => undefined);
  await again();
  announce('The new endpoints are accepted.');
}

// What is known of how one connector does: what its provider answered last, and what was found wrong with it.
import { el, note, prose } from '../shared/dom.js';
import { path } from './api.js';
import { WHAT_TO_DO, acceptButton, hasMoved, isMove } from './moved-endpoints.js';
import { button, failure } from './parts.js';
import { clock, moment } from './words.js';

const KINDS = { error: 'bad', warning: 'warn', info: 'info' };

/**
 * What is known of how one connector does; nothing, where `onlyTrouble` is asked for and there is none. Without, `provider` has
 * to be the connector's, and `isConnected` says whether somebody has connected through it since it was examined.
 */
export function checkup(context, examined, { provider: of, isConnected = false, onlyTrouble = false } = {}) {
  const { api, again } = context;
  // What a catalogue's issuer has moved is no trouble, so it is not among what is shown then.
  const isMoved = onlyTrouble || hasMoved(examined, of);
  const isShown = ({ severity, code }) =>
    onlyTrouble ? severity !== 'info' : !(isConnected && code === 'register_redirect_uri');
  const findings = (examined.doctor?.findings ?? []).filter(isShown);
  const notes = [provider(examined.health), ...findings.map((one) => finding(one, isMoved))].filter(Boolean);
  const isFine = notes.length === 0;
  const examine = async () => {
    try {
      await api.post(`${path('connectors', examined.id)}/doctor`);
      again();
    } catch (problem) {
      trouble.replaceChildren(failure(problem));
    }
  };
  const trouble = el('div', { role: 'alert' });
  const canExamine = !onlyTrouble && api.mayWrite && 'doctor' in examined;
  const at = examined.doctor?.checked_at;
  return el(
    'div',
    { class: 'notes' },
    isFine && !onlyTrouble && note('good', el('p', {}, 'Nothing is known against it.')),
    notes,
    at &&
      !onlyTrouble &&
      el(
        'p',
        { class: 'quiet small' },
        `Examined ${moment(at)}${examined.doctor.outdated ? ', before the last change' : ''}.`,
      ),
    canExamine &&
      el(
        'div',
        { class: 'buttons' },
        button('Examine now', { action: examine }),
        isMoved && acceptButton(context, examined),
      ),
    trouble,
  );
}

function provider(health) {
  if (health?.status === 'misconfigured') {
    return note(
      'bad',
      el('strong', {}, 'The provider does not accept the client'),
      el(
        'p',
        {},
        `Since ${moment(health.since)}, with `,
        el('code', {}, health.error),
        ` (HTTP ${health.http_status}).`,
      ),
      el('p', {}, 'No connection is lost. Correct the client ID or secret, and all go on at once.'),
    );
  }
  if (health?.status === 'failing') {
    return note(
      'warn',
      el('strong', {}, 'Refreshes are failing for everybody'),
      el(
        'p',
        {},
        `The provider is left alone until ${clock(health.until)}, then asked again. Tokens that still work are served.`,
      ),
    );
  }
  return undefined;
}

function finding(found, isMoved) {
  const { severity, what, why } = found;
  const todo = isMoved && isMove(found) ? WHAT_TO_DO : found.what_to_do;
  return note(
    KINDS[severity] ?? 'info',
    el('strong', {}, prose(what)),
    el('p', {}, prose(why)),
    el('p', {}, el('b', {}, 'What to do: '), prose(todo)),
  );
}

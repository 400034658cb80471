// The keys that seal tokens and client secrets of the workspace, and which KMS key wraps them.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { announce, ask, button, copyable, form, heading, pill, section } from './parts.js';
import { count, moment } from './words.js';

const WHERE = '/encryption-keys';

/** What the API calls the KMS key of whoever runs this. */
const DEPLOYMENT = 'deployment';

const STATES = {
  current: ['good', 'Seals'],
  resealing: ['warn', 'Being replaced'],
  retired: ['', 'Retired'],
};

const IN_BACKGROUND = 'Everything is sealed anew in the background; nobody notices.';

export async function encryptionKeys(context) {
  const { api } = context;
  const { encryption_keys: keys } = await api.get(WHERE);
  const fresh = button('New key', { action: () => renew(context) });
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings']],
      title: 'Encryption keys',
      lead: 'What seals the tokens and client secrets here. A key never leaves: it is wrapped by a KMS key, and opened where it is needed.',
    }),
    section('Keys', { actions: api.mayWrite && [fresh] }, el('ul', { class: 'rows card' }, keys.map(row))),
    wrapping(context, keys[0]),
  );
}

function row(key) {
  const { generation, created_at: since, resealed, resealed_at: done, unopened } = key;
  const [kind, text] = STATES[key.state] ?? ['', key.state];
  const progress = done
    ? `All that older keys had sealed is under it since ${moment(done)}`
    : resealed > 0 && `${count(resealed, 'value', 'values')} sealed anew under it so far`;
  const line = (...said) => el('p', { class: 'quiet small' }, ...said);
  return el(
    'li',
    { class: 'row' },
    el(
      'div',
      { class: 'row-text' },
      el('h3', {}, `Key ${generation}`),
      since && line(`Made ${moment(since)}`),
      line('Wrapped by ', key.kms_key === DEPLOYMENT ? 'the deployment’s KMS key' : el('code', {}, key.kms_key)),
      progress && line(progress),
      unopened > 0 &&
        el(
          'p',
          { class: 'small wrong' },
          `${count(unopened, 'value', 'values')} could not be opened and stayed as before. The log has the ID of each.`,
        ),
    ),
    pill(kind, text),
  );
}

async function renew({ api, again }) {
  const done = await ask({
    title: 'Make a new key?',
    body: [el('p', {}, `It seals at once. ${IN_BACKGROUND} What the keys before it sealed opens meanwhile.`)],
    yes: 'Make a new key',
    action: () => api.post(WHERE),
  });
  if (!done) return;
  await again();
  announce(`Key ${done.generation} seals from now on.`);
}

/** Which KMS key wraps the workspace's, and another one in its place. */
function wrapping(context, newest) {
  const { api } = context;
  const own = newest && newest.kms_key !== DEPLOYMENT ? newest.kms_key : undefined;
  const now = own ? copyable(own, 'the ARN') : note('info', el('p', {}, 'It is the one of whoever runs this.'));
  const lead = 'Whoever can disable the KMS key decides whether anything sealed here can be read.';
  return section('KMS key', { lead }, now, api.mayWrite && change(context, own));
}

function change({ api, again }, own) {
  const arn = field({
    label: 'ARN of a KMS key of your own',
    hint: 'It has to be named in the deployment, and to allow the deployment’s account to use it. It is tried out first.',
    pointer: '/kms_key_arn',
    control: el('input', {
      type: 'text',
      class: 'mono',
      placeholder: 'arn:aws:kms:…',
      spellcheck: 'false',
      autocomplete: 'off',
    }),
  });
  const wrapBy = async (key) => {
    const { state } = await api.put(WHERE, { kms_key_arn: key });
    await again();
    announce(state === 'unchanged' ? 'It is that one already: nothing was changed.' : `Done. ${IN_BACKGROUND}`);
    return true;
  };
  const send = async () => {
    if (arn.value()) return wrapBy(arn.value());
    arn.show('Paste the ARN of the key.');
    arn.control.focus();
    return undefined;
  };
  const giveBack = () =>
    ask({
      title: 'Use the deployment’s KMS key?',
      body: [
        el(
          'p',
          {},
          'Leave your own enabled until every key that it wraps has been retired for a day: before, what they sealed could not be opened.',
        ),
      ],
      yes: 'Use the deployment’s key',
      action: () => wrapBy(null),
    });
  return form([arn], {
    children: arn.node,
    send,
    yes: 'Use this KMS key',
    cancel: own && button('Use the deployment’s', { action: giveBack }),
  });
}

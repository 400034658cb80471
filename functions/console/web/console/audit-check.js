// Whether the audit trail is whole: as it is, or since an earlier check whose witness somebody has kept.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { button, copyable, failure, form } from './parts.js';
import { clock, count, day } from './words.js';

/** What is wrong with the trail, in words. */
const FLAWS = {
  altered: 'An entry is not what was written.',
  missing: 'Something is missing before an entry.',
  unlinked: 'An entry was put in that has no place there.',
  cut_off: 'The latest entries are missing.',
  never_signed: 'The trail is older than signing, and nothing was noted since: nothing can be said of it.',
  key_gone: 'The key that the trail is checked with is gone, so nothing can be said of it.',
};

const entries = (number) => count(number, 'entry', 'entries');

/** The button that checks, and where it says what came of it, with a field for an earlier witness. */
export function checkTrail(api) {
  const verdict = el('div', { class: 'notes', 'aria-live': 'polite' });
  const check = async () => {
    verdict.replaceChildren();
    await checked(api, verdict).catch((problem) => verdict.replaceChildren(failure(problem, check)));
  };
  return {
    button: button('Check', { action: check }),
    node: [againstWitness(api, verdict), verdict],
  };
}

function againstWitness(api, verdict) {
  const witness = field({
    label: 'Witness of an earlier check',
    hint: 'It was shown at the end of that check. With it, it is found out whether everything was put back to how it was before.',
    pointer: '?witness',
    control: el('textarea', { class: 'mono', rows: '3', spellcheck: 'false', autocomplete: 'off' }),
  });
  const send = async () => {
    const kept = witness.value().replace(/\s+/g, '');
    if (!kept) {
      witness.show('Paste the witness that you have kept.');
      witness.control.focus();
      return;
    }
    verdict.replaceChildren();
    await checked(api, verdict, kept);
  };
  const body = form([witness], { children: witness.node, send, yes: 'Check since then' });
  return el('details', { class: 'more' }, el('summary', {}, 'Check since an earlier time'), body);
}

/** Follows the whole trail, piece by piece, as long as somebody is there to see what came of it. */
async function checked(api, verdict, witness) {
  let [looked, page] = [0, undefined];
  do {
    page = await api.get('/audit/verify', { witness, cursor: page?.next_cursor });
    if (!verdict.isConnected) return;
    looked += page.looked_at;
    if (!page.intact) {
      verdict.replaceChildren(broken(page.flaw, witness));
      return;
    }
    verdict.replaceChildren(el('p', { class: 'quiet' }, `${entries(looked)} checked …`));
  } while (page.next_cursor);
  verdict.replaceChildren(...whole(looked, page, witness));
}

function broken({ what, at }, since) {
  const when = at ? ` ${day(at)}, ${clock(at)}.` : '';
  const back = since && what === 'cut_off' && ' Or the whole trail was put back to how it was before the witness.';
  return note('bad', el('p', {}, el('strong', {}, FLAWS[what] ?? what), when, back));
}

function whole(looked, { witness, unsigned }, since) {
  const also = since ? ' Nothing was put back to before the witness.' : '';
  const verdict = `Nothing is missing and nothing was changed: ${entries(looked)} were checked.${also}`;
  const text = looked === 1 ? verdict.replace('were checked', 'was checked') : verdict;
  const unvouched = `Of the first ${entries(unsigned)} nobody knows: the trail was not signed then.`;
  return [
    note('good', el('p', {}, text)),
    unsigned > 0 && note('warn', el('p', {}, unvouched)),
    witness &&
      el(
        'div',
        { class: 'card panel' },
        el('h2', {}, 'Witness'),
        el(
          'p',
          { class: 'quiet prose' },
          'It says how far the trail has come. Keep it where nobody who runs this can change it, and show it here later.',
        ),
        copyable(witness, 'the witness'),
      ),
  ].filter(Boolean);
}

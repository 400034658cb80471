// Before a person's sign-in ends, the page says so and offers to sign in again, in a window of its own: nothing that was
// typed is lost.
import { el, note } from '../shared/dom.js';
import { signInBeside } from './organisation.js';
import { announce, button, failure } from './parts.js';
import { clock } from './words.js';

/** How long before the end it is said. */
const AHEAD_MS = 120_000;

/** The longest that a browser's timer takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** What is shown above everything else; `tell` shows it now. */
export function renewal(api) {
  const says = el('div', { class: 'renewal', role: 'status', hidden: true });
  let timer;
  const again = async () => {
    try {
      api.renew(await signInBeside(api.workspace));
    } catch (problem) {
      says.append(failure(problem));
      return;
    }
    says.hidden = true;
    says.replaceChildren();
    wait();
    announce('You are signed in again.');
  };
  const tell = () => {
    const isOver = Date.now() >= api.person.endsAt;
    const text = isOver ? 'Your sign-in has ended.' : `Your sign-in ends at ${clock(api.person.endsAt)}.`;
    says.replaceChildren(
      note(
        'warn',
        el('p', {}, el('strong', {}, text), ' What you have typed stays where it is.'),
        el('div', { class: 'buttons' }, button('Sign in again', { kind: 'primary', action: again })),
      ),
    );
    says.hidden = false;
    if (!isOver) timer = setTimeout(tell, Math.min(api.person.endsAt - Date.now() + 1000, LONGEST_MS));
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(tell, Math.min(Math.max(api.person.endsAt - Date.now() - AHEAD_MS, 0), LONGEST_MS));
  };
  wait();
  return { node: says, tell: () => (clearTimeout(timer), tell()), stop: () => clearTimeout(timer) };
}

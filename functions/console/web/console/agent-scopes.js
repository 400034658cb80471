// Whether an issuer gives tokens with the scopes of assistants.
import { checkField } from './check-field.js';

/** `scopes` are those that such a token has one of at least. */
export const agentScopesField = (scopes, before = false) =>
  checkField({
    label: 'The issuer gives the scopes of assistants',
    hint: `Then an assistant does only what the scopes of its token name (${scopes.join(', ')}), and nothing with a token that has none of them. Without it, such a token is good for all that its person may do.`,
    pointer: '/agent_scopes',
    before,
  });

/** The same in words. */
export const agentScopesInWords = (isOn) =>
  isOn ? 'Do only what the scopes of their tokens name' : 'Do all that their person may, unless scopes name less';

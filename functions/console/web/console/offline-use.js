// Whether apps may have a user's token while that user is away.
import { checkField } from './check-field.js';

export const offlineUseField = (before = true) =>
  checkField({
    label: 'Apps may use it while the user is away',
    hint: 'For work at night, and for what arrives when nobody is there. An app’s key needs the permission for it, too. Without it, each request must show the user’s own session.',
    pointer: '/offline_use',
    before,
  });

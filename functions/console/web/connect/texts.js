// What the page says, in the language that its reader prefers most.

const TEXTS = '@texts:connect-page@';

const wishes = [...navigator.languages, 'en'].map((wish) => wish.split('-')[0].toLowerCase());

export const language = wishes.find((wish) => Object.hasOwn(TEXTS, wish));

/** A sentence. Names in it are set apart, so that one of another direction does not turn the sentence around. */
export function say(key, names = {}) {
  return TEXTS[language][TEXTS.keys.indexOf(key)].replace(/\{(\w+)\}/g, (_, name) => `\u2068${names[name]}\u2069`);
}

export const knows = (key) => TEXTS.keys.includes(key);

/** A day as people write it. */
export const day = (time) => new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(time));

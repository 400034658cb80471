// What the page says, in the language that its reader prefers most.

const TEXTS = '@texts:connect-page@';

const wishes = [...navigator.languages, 'en'].map((wish) => wish.split('-')[0].toLowerCase());

export const language = wishes.find((wish) => Object.hasOwn(TEXTS, wish));

const setApart = (name) => (/[\u0590-\u08ff]/.test(name) !== (language === 'he') ? `\u2068${name}\u2069` : name);

/** A sentence. A name of another direction is set apart, so that it does not turn the sentence around. */
export function say(key, names = {}) {
  return TEXTS[language][TEXTS.keys.indexOf(key)].replace(/\{(\w+)\}/g, (_, name) => setApart(String(names[name])));
}

export const knows = (key) => TEXTS.keys.includes(key);

/** A day as people write it. */
export const day = (time) => new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(new Date(time));

// Makes `dist/connect.js` for the package: byte for byte what a deployment serves (`functions/console/build/texts.rs`).
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const folder = join(here, '../texts');

/** With its keys in order. */
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The script with the texts of every language, without its comments and indents. */
export function built() {
  const languages = readdirSync(folder).map((file) => {
    const texts = JSON.parse(readFileSync(join(folder, file), 'utf8'))['connect-js'];
    return [file.replace('.json', ''), Object.values(sorted(texts)), Object.keys(sorted(texts))];
  });
  languages.push(['keys', languages[0][2]]);
  const script = readFileSync(join(here, 'connect.js'), 'utf8');
  const filled = script.replace("'@texts:connect-js@'", () => JSON.stringify(sorted(Object.fromEntries(languages))));
  let isComment = false;
  let isStyle = false;
  const lines = filled.split('\n').map((line) => line.split(' // ')[0].trim());
  const kept = lines.filter((line) => {
    isComment ||= line.startsWith('/**');
    const isKept = !isComment && line && !line.startsWith('//');
    isComment &&= !line.endsWith('*/');
    return isKept;
  });
  const tight = kept.map((line) => {
    const isLast = line.endsWith('`;');
    const tightened = isStyle
      ? line.replace(/ ?([{}:;,]) ?/g, '$1')
      : line.replace(/ (=>|===|!==|&&|\|\||\?\?|=) /g, '$1');
    isStyle = line.endsWith('STYLE = `') || (isStyle && !isLast);
    return /[{}(,;]$/.test(line) ? tightened : `${tightened}\n`;
  });
  return tight.join('');
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(join(here, 'dist'), { recursive: true });
  writeFileSync(join(here, 'dist/connect.js'), built());
}

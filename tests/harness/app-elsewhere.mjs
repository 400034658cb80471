// An app on an origin of its own, as a builder makes one: pages with connect.js and with the unmodified SDK.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join, resolve } from 'node:path';

const MODULES = resolve(import.meta.dirname, '../node_modules');
const DEMO = resolve(import.meta.dirname, '../../functions/local/src/demo/page');

/** Where a browser finds what the SDK imports, on a server that has `installed` modules. */
export const IMPORTS = {
  '@base44/sdk': '/modules/@base44/sdk/dist/index.js',
  axios: '/modules/axios/dist/esm/axios.js',
  partysocket: '/modules/partysocket/dist/index.mjs',
  'socket.io-client': '/modules/socket.io-client/dist/socket.io.esm.min.js',
  uuid: '/modules/uuid/dist/index.js',
};

const page = (head, body, lang = 'en') => `<!doctype html>
<html lang="${lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>An app elsewhere</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/app.css">${head}</head><body><main>${body}</main></body></html>`;

/** The text of an installed module, by its path below such a server; `undefined` for any other path. */
export const installed = (path) =>
  path.startsWith('/modules/') ? readFile(join(MODULES, path.slice('/modules/'.length))) : undefined;

/** Serves the pages of one app. The cookie `user` says who is signed in. */
export class AppElsewhere {
  static async start(world) {
    const app = new AppElsewhere();
    app.world = world;
    app.http = createServer((request, response) =>
      app.#answer(request, response).catch(() => response.writeHead(404).end()),
    );
    app.http.listen(0, '127.0.0.1');
    await once(app.http, 'listening');
    app.origin = `http://localhost:${app.http.address().port}`;
    return app;
  }

  /** Registers it as an app whose users come back to this page of it. */
  async register(path) {
    const known = await this.world.newApp(`Elsewhere ${path}`, {
      origins: [this.origin],
      return_urls: [this.origin + path],
    });
    this.apps = { ...this.apps, [path]: known };
    return known;
  }

  async close() {
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.origin);
    const send = (type, body, headers = {}) => response.writeHead(200, { 'content-type': type, ...headers }).end(body);
    const module = await installed(url.pathname);
    if (module) return send('text/javascript', module);
    if (url.pathname === '/with-sdk.js') return send('text/javascript', await readFile(join(DEMO, 'with-sdk.js')));
    if (url.pathname === '/app.css') {
      return send('text/css', ':root{color-scheme:light dark}body{margin:1rem;font:1rem/1.5 system-ui}');
    }
    if (url.pathname === '/token') {
      const user = request.headers.cookie?.match(/user=(\w+)/)?.[1];
      return send('text/plain', user ? await this.world.idp.token(user, url.searchParams.get('app')) : '');
    }
    const app = this.apps[url.pathname];
    const kind = { '/sdk': () => this.#sdk(app), '/bare': () => this.#bare(app) }[url.pathname];
    const [script, body, head] = kind ? kind() : this.#elements(app, url);
    if (url.searchParams.has('script')) return send('text/javascript', script);
    // What a careful app allows: nothing inline but the map of imports, nobody but itself and the API.
    const { base } = this.world.product;
    const policy = `default-src 'none'; script-src 'self' 'nonce-map' ${base}; style-src 'self'; connect-src 'self' ${base}; img-src data:`;
    const lang = url.searchParams.get('lang') ?? 'en';
    const src = `${url.pathname}?${new URLSearchParams({ ...Object.fromEntries(url.searchParams), script: '1' })}`;
    const text = page(`${head}<script type="module" src="${src.replaceAll('&', '&amp;')}"></script>`, body, lang);
    return send('text/html; charset=utf-8', text, { 'content-security-policy': policy });
  }

  #elements(app, url) {
    const mode = url.pathname.includes('popup') ? 'popup' : 'redirect';
    const script = `
      import { configure } from '${this.world.product.base}/connect.js';
      window.atImport = location.href;
      const getToken = async () => (await fetch('/token?app=${app.id}')).text();
      const connectors = configure({ app: '${app.id}', getToken, mode: '${mode}' });
      window.connectors = connectors;
      window.told = [];
      for (const type of ['connected', 'disconnected', 'failed'])
        connectors.addEventListener(type, ({ detail }) => window.told.push([type, detail.connector_id, detail.reason]));`;
    return [script, '<h1>Settings</h1><user-connectors></user-connectors>', ''];
  }

  /** The SDK alone, which does not know of sessions that wait: the page shows what the API says of them. */
  #bare(app) {
    const script = `
      import { createClient } from '@base44/sdk';
      const token = await (await fetch('/token?app=${app.id}')).text();
      const sdk = createClient({ serverUrl: '${this.world.product.base}', appId: '${app.id}', token });
      const session = new URLSearchParams(location.search).get('session_id');
      if (session) {
        const address = '${this.world.product.base}${app.path}/app-user-auth/sessions/' + session;
        const { detail } = await (await fetch(address, { headers: { authorization: 'Bearer ' + token } })).json();
        document.getElementById('told').textContent = detail;
      }
      document.getElementById('connect').onclick = async () => {
        location.href = await sdk.connectors.connectAppUser('${this.connectorId}');
      };
      document.body.dataset.ready = 'yes';`;
    return [
      script,
      '<h1>The SDK alone</h1><button id="connect">connect</button><p id="told" role="status"></p>',
      this.#map(),
    ];
  }

  #map() {
    const imports = { ...IMPORTS, 'connect-js': `${this.world.product.base}/connect.js` };
    return `<script type="importmap" nonce="map">${JSON.stringify({ imports })}</script>`;
  }

  #sdk(app) {
    const script = `
      import { start } from '/with-sdk.js';
      const getToken = async () => (await fetch('/token?app=${app.id}')).text();
      const tell = (sentence) => (document.getElementById('told').textContent = sentence);
      const settings = { serverUrl: '${this.world.product.base}', appId: '${app.id}', connectorId: '${this.connectorId}' };
      const app = await start({ ...settings, getToken, tell });
      document.getElementById('connect').onclick = () => app.connect();
      document.getElementById('popup').onclick = () => app.connectInPopup();
      document.getElementById('disconnect').onclick = () => app.disconnect().then(() => tell('Disconnected.'));
      document.body.dataset.ready = 'yes';`;
    const buttons = ['connect', 'popup', 'disconnect'].map((id) => `<button id="${id}">${id}</button>`).join(' ');
    return [script, `<h1>With the SDK</h1>${buttons}<p id="told" role="status"></p>`, this.#map()];
  }
}

// What the demo app asks: the product as its user, and its own backend.

/** An answer that is not what was asked for. `message` can be shown to the user. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem?.code;
  }
}

async function send(method, path, token, body) {
  const headers = { 'content-type': 'application/json' };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  let answer;
  try {
    answer = text ? JSON.parse(text) : undefined;
  } catch {
    answer = undefined;
  }
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}

/** Which app this is, and which users there are. */
export const config = () => send('GET', '/demo/config');

/** Signs a demo user in. A real app has its own way to do this. */
export const signIn = async (user) => (await send('POST', `/demo/users/${encodeURIComponent(user)}/token`)).token;

/** The product, as one user of one app. */
export class Connectors {
  constructor(appId, token) {
    this.path = `/api/apps/${encodeURIComponent(appId)}/app-user-auth`;
    this.token = token;
  }

  async list() {
    const answer = await send('GET', `${this.path}/connectors`, this.token);
    return Array.isArray(answer) ? answer : answer.connectors;
  }

  /** Starts an authorization and answers where the browser has to go. */
  async connect(connectorId) {
    const id = encodeURIComponent(connectorId);
    return (await send('POST', `${this.path}/connectors/${id}/initiate`, this.token, {})).redirect_url;
  }

  disconnect(connectorId) {
    return send('DELETE', `${this.path}/connectors/${encodeURIComponent(connectorId)}`, this.token);
  }

  session(sessionId) {
    return send('GET', `${this.path}/sessions/${encodeURIComponent(sessionId)}`, this.token);
  }

  finish(sessionId, handle) {
    return send('POST', `${this.path}/sessions/${encodeURIComponent(sessionId)}/finish`, this.token, { handle });
  }
}

/** The user's next events, by the app's backend. */
export const events = (token) => send('POST', '/demo/backend/events', token);

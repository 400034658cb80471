// The page on which a person at the authorization server says who they are and what an app may do.

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const page = ({ uid, params }) => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Allow access?</title>
<h1>${escape(params.client_id)} asks for access</h1>
<form method="post" action="/interaction/${escape(uid)}">
<label>Account <input name="account" value="ada" required></label>
${(params.scope ?? '')
  .split(' ')
  .filter(Boolean)
  .map(
    (scope) => `<label><input type="checkbox" name="scope" value="${escape(scope)}" checked>${escape(scope)}</label>`,
  )
  .join('\n')}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form></html>`;

async function form(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return new URLSearchParams(body);
}

async function allowed(provider, { client_id: clientId, scope = '', resource }, answers) {
  const accountId = answers.get('account');
  const chosen = new Set(answers.getAll('scope'));
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope([...chosen].join(' '));
  if (resource) grant.addResourceScope(resource, [...chosen].join(' '));
  grant.rejectOIDCScope(
    scope
      .split(' ')
      .filter((name) => !chosen.has(name))
      .join(' '),
  );
  return { login: { accountId }, consent: { grantId: await grant.save() } };
}

const denied = { error: 'access_denied', error_description: 'canary-description-of-the-provider' };

/** Answers `GET` (the question) and `POST` (the person's answer) of `/interaction/{uid}`. */
export async function consent(provider, request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page(details));
    return;
  }
  const answers = await form(request);
  const result = answers.get('decision') === 'deny' ? denied : await allowed(provider, details.params, answers);
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

// Passkeys: what the server asks, the browser asks its authenticator, and the answer goes back as a form. Without this script, or where browsers know
// no passkeys, the forms stay hidden.
(() => {
  'use strict';
  if (!window.PublicKeyCredential) return;
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

  const options = async (form) => {
    const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
    const answer = await fetch(form.dataset.options, { method: 'POST', body });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const asked = await answer.json();
    return { ...asked, challenge: bytes(asked.challenge) };
  };
  const create = async (form) => {
    const asked = await options(form);
    const user = { ...asked.user, id: bytes(asked.user.id) };
    const excludeCredentials = asked.excludeCredentials.map((id) => ({ type: 'public-key', id: bytes(id) }));
    const { response } = await navigator.credentials.create({ publicKey: { ...asked, user, excludeCredentials } });
    return { client_data: response.clientDataJSON, authenticator_data: response.getAuthenticatorData() };
  };
  const get = async (form) => {
    const { rawId, response } = await navigator.credentials.get({ publicKey: await options(form) });
    return { id: rawId, client_data: response.clientDataJSON, authenticator_data: response.authenticatorData, signature: response.signature, user_handle: response.userHandle ?? new ArrayBuffer(0) };
  };

  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const problem = form.querySelector('[role=alert]');
    form.hidden = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      problem.hidden = true;
      try {
        const said = await (form.dataset.passkey === 'create' ? create(form) : get(form));
        for (const [name, value] of Object.entries(said)) form.elements[name].value = text(value);
        form.submit();
      } catch {
        problem.hidden = false;
      }
    });
  }
})();

// Has the browser ask for a passkey or make one, and sends what it answers as a form. The server judges the answer.
(() => {
  document.querySelector("[data-without-scripts]")?.remove();
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const text = (buffer) => {
    const binary = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join("");
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  const invited = document.querySelector("form[data-invitation]");
  if (invited && location.hash.length > 1) {
    invited.elements.invitation.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname); // not where others could read it over a shoulder
  }
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const state = document.getElementById("passkey-state");
  const say = (words) => (state.textContent = words);
  const known = (one) => ({ ...one, id: bytes(one.id) });
  const make = (options) =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: options.excludeCredentials.map(known),
      },
    });
  const use = (options) =>
    navigator.credentials.get({
      publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: options.allowCredentials.map(known) },
    });
  const answered = (one) => {
    const response = { clientDataJSON: text(one.response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (one.response[part]) response[part] = text(one.response[part]);
    }
    return JSON.stringify({ id: one.id, rawId: text(one.rawId), type: one.type, response });
  };
  const why = (error) => {
    if (error.name === "SecurityError") {
      return `Passkeys of this site belong to ${form.dataset.origin}, and this page is at ${location.origin}. Open it there.`;
    }
    if (error.name === "InvalidStateError") return "This device has a passkey of yours already.";
    if (error.name === "NotAllowedError") return "No passkey was used: it was cancelled, or took too long.";
    return `The browser could not do it (${error.name}).`;
  };
  const ask = async () => {
    if (!navigator.credentials || !window.PublicKeyCredential) {
      say("This browser has no passkeys, or the page was not loaded over https.");
      return;
    }
    say("Waiting for your device.");
    try {
      const options = JSON.parse(form.dataset.options);
      form.elements.answer.value = answered(await (form.dataset.passkey === "create" ? make(options) : use(options)));
    } catch (error) {
      say(why(error));
      return;
    }
    form.submit();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  form.querySelector("button.main").disabled = false; // pressed before this script is here, it would send no answer
  if (form.dataset.passkey === "get") ask();
})();

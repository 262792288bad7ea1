// Everything the page asks of the server.

export class Refused extends Error {
  // The server's answer was no: asking again in the same way will not help.
  constructor(status, message, reference) {
    super(reference ? `${message} (reference ${reference})` : message);
    this.status = status;
  }
}

async function request(path, body) {
  const options = body === undefined
    ? {}
    : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, { ...options, credentials: "same-origin" });
  if (response.ok) return response.status === 204 ? null : response.json();
  const said = await response.json().catch(() => ({}));
  const message = said.error ?? "Something went wrong on our side.";
  if (response.status >= 500) throw new Error(said.reference ? `${message} (reference ${said.reference})` : message);
  if (response.status === 401 && location.pathname !== "/login") location.assign("/");
  throw new Refused(response.status, message, said.reference);
}

export const me = () => request("/api/me");
export const signOut = () => request("/api/logout", {});
export const conversations = async () => (await request("/api/chat/conversations")).conversations;
export const conversation = (id) => request(`/api/chat/conversations/${encodeURIComponent(id)}`);
export const question = (id) => request(`/api/chat/questions/${encodeURIComponent(id)}`);
export const giveFeedback = (answerId, feedback) =>
  request(`/api/chat/answers/${encodeURIComponent(answerId)}/feedback`, feedback);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export function backoff() {
  let wait = 500;
  return () => {
    wait = Math.min(wait * 2, 10_000);
    return pause(wait * (0.75 + Math.random() / 2));
  };
}

export async function retrying(action, onTrouble) {
  // Repeats until it works or the server refuses.
  const wait = backoff();
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (error instanceof Refused) throw error;
      onTrouble();
      await wait();
    }
  }
}

export const ask = (message, onTrouble) => retrying(() => request("/api/chat/questions", message), onTrouble);

export function watch(questionId, { onSnapshot, onTrouble, onGone }) {
  // Follows one answer to its end, across lost connections and restarts of the server. Returns a function that stops.
  let source = null;
  let stopped = false;
  const wait = backoff();

  const stop = () => {
    stopped = true;
    source?.close();
  };
  const receive = (snapshot) => {
    if (stopped) return;
    if (snapshot.stage === "done") stop();
    onSnapshot(snapshot);
  };
  const connect = () => {
    source = new EventSource(`/api/chat/questions/${encodeURIComponent(questionId)}/events`);
    source.addEventListener("answer", (event) => receive(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (stopped) return;
      onTrouble();
      if (source.readyState === EventSource.CLOSED) reconnect(); // else the browser does it
    });
  };
  const reconnect = async () => {
    // A refused event stream does not say why; the snapshot does.
    await wait();
    if (stopped) return;
    try {
      receive(await question(questionId));
      if (!stopped) connect();
    } catch (error) {
      if (error instanceof Refused) {
        stop();
        onGone(error);
      } else if (!stopped) reconnect();
    }
  };

  connect();
  return stop;
}

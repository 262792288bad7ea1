// The chat page: which conversation is open, what is on its way, and what the keys do.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { announce, byId, element, icon, remember } from "./dom.js";
import { History } from "./history.js";
import { Turn } from "./render.js";

const EXAMPLES = [
  "How many days of annual leave do I have?",
  "Whom do I tell when my laptop is lost?",
  "What is the limit for a hotel on a business trip?",
  "May I work from another country for a while?",
];
const UNSENT = "unsent"; // a message the server has not confirmed yet survives a reload, under its own key
const RECONNECTING = "Reconnecting…";
const LOOK_AGAIN_MS = 15_000; // a colleague may have corrected an answer that stands here

class Chat {
  constructor() {
    this.conversation = null;
    this.turns = new Map();
    this.stops = new Map();
    this.tabs = "BroadcastChannel" in window ? new BroadcastChannel("answerloop") : null;
    this.history = new History((id) => this.open(id));
    this.composer = new Composer((text) => this.ask(text));
  }

  async start() {
    this.listen();
    this.drawExamples();
    this.history.refresh();
    api.retrying(api.me, () => {}).then((me) => this.showPerson(me), () => {});
    await this.open(new URLSearchParams(location.search).get("c"), { push: false });
    const unsent = JSON.parse(sessionStorage.getItem(UNSENT) ?? "null");
    if (unsent && (unsent.conversation ?? null) === this.conversation) this.send(unsent);
    if (matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  listen() {
    addEventListener("popstate", () => this.open(new URLSearchParams(location.search).get("c"), { push: false }));
    document.addEventListener("keydown", (event) => this.key(event));
    byId("new-question").addEventListener("click", () => this.open(null));
    this.tabs?.addEventListener("message", ({ data }) => this.heard(data));
    document.addEventListener("visibilitychange", () => this.lookAgain());
    setInterval(() => this.lookAgain(), LOOK_AGAIN_MS);
  }

  key(event) {
    const typing = event.target.closest?.("input, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.composer.focus();
    }
    if (event.key === "Escape" && !this.history.closeDrawer() && typing) typing.blur();
  }

  // --- conversations

  async open(id, { push = true } = {}) {
    this.history.closeDrawer();
    this.reset(id);
    if (push) history.pushState(null, "", id ? `/?c=${id}` : "/");
    if (!id) return this.composer.focus();
    byId("thread").setAttribute("aria-busy", "true");
    try {
      const found = await api.retrying(() => api.conversation(id), () => this.setTitle(RECONNECTING));
      if (this.conversation !== id) return undefined; // another one was opened meanwhile
      this.setTitle(found.title);
      for (const snapshot of found.questions) this.add(snapshot);
      byId("thread").lastElementChild?.scrollIntoView({ block: "start" });
    } catch (error) {
      this.reset(null);
      history.replaceState(null, "", "/");
      this.composer.problem(error.status === 404 ? "This conversation does not exist any more." : error.message);
    } finally {
      byId("thread").removeAttribute("aria-busy");
    }
    return undefined;
  }

  reset(id) {
    for (const stop of this.stops.values()) stop();
    this.stops.clear();
    this.turns.clear();
    this.conversation = id;
    byId("thread").replaceChildren();
    this.welcome(!id);
    this.composer.problem("");
    this.composer.setBusy(false);
    this.setTitle(id ? "" : "New question");
    this.history.select(id);
  }

  welcome(shown) {
    byId("welcome").hidden = !shown;
    byId("main").classList.toggle("is-empty", shown);
  }

  setTitle(title) {
    byId("title").textContent = title;
    document.title = title && this.conversation ? `${title} · answerloop` : "answerloop";
  }

  // --- questions

  newTurn(question) {
    this.welcome(false);
    const turn = new Turn(question, (text) => this.ask(text));
    byId("thread").append(turn.element);
    return turn;
  }

  add(snapshot, turn = this.newTurn(snapshot.question)) {
    this.turns.set(snapshot.question_id, turn);
    turn.update(snapshot);
    if (!turn.done) this.follow(snapshot.question_id, turn);
  }

  ask(text) {
    return this.send({ text, conversation: this.conversation ?? undefined, client_key: newKey() });
  }

  async send(message) {
    const from = this.conversation;
    const turn = this.newTurn(message.text);
    turn.element.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" });
    this.composer.setBusy(true);
    sessionStorage.setItem(UNSENT, JSON.stringify(message));
    try {
      const accepted = await api.ask(message, () => turn.trouble("Not sent yet, trying again…"));
      sessionStorage.removeItem(UNSENT);
      this.tabs?.postMessage(accepted);
      this.accepted(accepted, turn, from);
    } catch (error) {
      sessionStorage.removeItem(UNSENT);
      turn.element.remove();
      if (this.conversation !== from) return;
      this.welcome(!from && this.turns.size === 0);
      this.composer.setBusy(false);
      this.composer.put(message.text, error.message);
    }
  }

  accepted({ question_id: questionId, conversation_id: conversationId }, turn, from) {
    if (this.conversation === from && turn.element.isConnected) {
      if (!from) {
        this.conversation = conversationId;
        history.replaceState(null, "", `/?c=${conversationId}`);
        this.setTitle(turn.question);
      }
      this.turns.get(questionId)?.element.remove(); // a resend of a question that is shown already
      this.turns.set(questionId, turn);
      this.follow(questionId, turn);
    }
    this.history.refresh().then(() => this.history.select(this.conversation));
  }

  follow(questionId, turn) {
    this.stops.get(questionId)?.();
    this.composer.setBusy(true);
    const ended = () => {
      this.stops.delete(questionId);
      this.composer.setBusy(this.stops.size > 0);
    };
    this.stops.set(questionId, api.watch(questionId, {
      onSnapshot: (snapshot) => {
        turn.update(snapshot);
        if (!turn.done) return;
        ended();
        announce("The answer is complete.");
      },
      onTrouble: () => turn.trouble(RECONNECTING),
      onGone: (error) => {
        turn.fail(error.message);
        ended();
      },
    }));
  }

  async lookAgain() {
    const id = this.conversation;
    if (!id || document.visibilityState !== "visible" || this.stops.size > 0) return;
    const found = await api.conversation(id).catch(() => null);
    if (!found || this.conversation !== id) return;
    for (const snapshot of found.questions) {
      const turn = this.turns.get(snapshot.question_id);
      if (!turn?.done || snapshot.revision <= turn.snapshot.revision) continue;
      turn.update(snapshot);
      if (snapshot.verified) announce("A colleague has corrected an answer above.");
    }
  }

  async heard({ question_id: questionId, conversation_id: conversationId }) {
    // Another tab asked something.
    this.history.refresh();
    if (conversationId !== this.conversation || this.turns.has(questionId)) return;
    const snapshot = await api.question(questionId).catch(() => null);
    if (snapshot && conversationId === this.conversation && !this.turns.has(questionId)) this.add(snapshot);
  }

  // --- the rest of the page

  showPerson(me) {
    this.composer.setLimit(me.max_question_characters);
    byId("person").replaceChildren(
      element("span", { class: "person-name" }, me.name),
      ...(me.development ? [element("span", { class: "person-note" }, "development user")] : []),
      ...(me.session ? [element("button", { type: "button", class: "sign-out", onclick: signOut }, "Sign out")] : []),
    );
  }

  drawExamples() {
    byId("examples").append(...EXAMPLES.map((text) =>
      element("li", {}, element("button", { type: "button", onclick: () => this.ask(text) }, text))));
  }
}

async function signOut() {
  await api.signOut();
  sessionStorage.clear();
  location.assign("/login");
}

function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function startTheme() {
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.append(icon("moon"));
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    remember("theme", theme);
    show();
  });
  system.addEventListener("change", show);
  show();
}

byId("show-sidebar").append(icon("sidebar"));
byId("hide-sidebar").append(icon("sidebar"));
byId("new-question").prepend(icon("plus"));
startTheme();
new Chat().start();

// One question with its answer, kept up to date with each snapshot.

import { age, announce, element, icon, iconButton } from "./dom.js";
import { Feedback } from "./feedback.js";
import { show } from "./format.js";
import { Sources } from "./sources.js";

function statusText(snapshot) {
  const titles = [...new Set(snapshot.sources.map((source) => source.title))];
  const ahead = (snapshot.queue_position ?? 1) - 1;
  switch (snapshot.stage) {
    case "queued":
      if (ahead > 0) return `Waiting: ${ahead === 1 ? "one question" : `${ahead} questions`} before yours…`;
      return "Getting started…";
    case "searching": return "Searching the documents…";
    case "reading": return titles.length ? `Reading: ${titles.slice(0, 3).join(", ")}${titles.length > 3 ? " and more" : ""}` : "Reading…";
    case "writing": return "Writing…";
    default: return "";
  }
}

export class Turn {
  constructor(question, onAskAgain) {
    this.question = question;
    this.onAskAgain = onAskAgain;
    this.sources = new Sources();
    this.status = element("p", { class: "status" });
    this.mark = element("div", { hidden: true });
    this.text = element("div", { class: "answer-text prose" });
    this.contact = element("div", { hidden: true });
    this.footer = element("div", { class: "answer-footer", hidden: true });
    this.answer = element(
      "div", { class: "answer", "aria-busy": "true" },
      this.status, this.mark, this.text, this.contact, this.sources.element, this.footer,
    );
    this.element = element("article", { class: "turn" }, element("h2", { class: "question" }, question), this.answer);
    this.say("Sending…");
  }

  get done() {
    return this.snapshot?.stage === "done";
  }

  say(text, trouble = false) {
    this.status.hidden = !text;
    this.status.classList.toggle("trouble", trouble);
    if (this.status.dataset.text === text) return;
    this.status.dataset.text = text;
    this.status.replaceChildren(element("span", { class: "pulse", "aria-hidden": "true" }), element("span", { class: "status-text" }, text));
  }

  trouble(text) {
    if (!this.done) this.say(text, true);
  }

  fail(text) {
    // The question itself was refused or is gone.
    this.status.hidden = true;
    this.answer.className = "answer failed";
    this.answer.setAttribute("aria-busy", "false");
    this.mark.replaceChildren(badge("alert", text));
    this.mark.hidden = false;
  }

  update(snapshot) {
    if (this.snapshot && snapshot.revision < this.snapshot.revision) return;
    this.snapshot = snapshot;
    this.sources.show(snapshot);
    this.say(statusText(snapshot));
    show(this.text, snapshot.text, this.sources.citation);
    if (this.done) this.finish(snapshot);
  }

  finish(snapshot) {
    // Also again: a colleague may correct what stands here.
    this.answer.className = ["answer", ...outcomeClasses(snapshot)].join(" ");
    this.answer.setAttribute("aria-busy", "false");
    this.mark.replaceChildren(...outcomeMark(snapshot));
    this.mark.hidden = !this.mark.hasChildNodes();
    if (!snapshot.text) show(this.text, fallbackText(snapshot), this.sources.citation);
    this.contact.hidden = true;
    if (snapshot.contact && snapshot.outcome !== "answered") this.showContact(snapshot.contact);
    if (this.finished) this.details?.replaceChildren(...detailsOf(snapshot).children);
    else this.showFooter(snapshot);
    this.finished = true;
  }

  showContact(contact) {
    const safe = /^https?:\/\//.test(contact) ? contact : /^[^\s@]+@[^\s@]+$/.test(contact) ? `mailto:${contact}` : null;
    const who = safe ? element("a", { href: safe, rel: "noopener noreferrer" }, contact) : element("strong", {}, contact);
    this.contact.className = "contact";
    this.contact.replaceChildren(icon("person"), element("p", {}, "A person can help: ", who));
    this.contact.hidden = false;
  }

  showFooter(snapshot) {
    this.footer.hidden = false;
    if (snapshot.outcome === "failed") {
      this.footer.append(element("button", { type: "button", class: "quiet", onclick: () => this.onAskAgain(this.question) }, icon("again"), "Ask again"));
      return;
    }
    const titles = [...new Set(snapshot.sources.map((source) => source.title))];
    const feedback = new Feedback(snapshot.answer_id, snapshot.feedback, titles);
    const details = this.details = detailsOf(snapshot);
    const toggle = iconButton("info", "Details", () => {
      details.hidden = !details.hidden;
      toggle.setAttribute("aria-expanded", String(!details.hidden));
      details.scrollIntoView({ block: "nearest" });
    }, { "aria-expanded": "false" });
    this.footer.append(
      element("div", { class: "actions", role: "group", "aria-label": "About this answer" },
        feedback.up, feedback.down, this.copyButton(), toggle, feedback.change, feedback.note),
      feedback.box, details,
    );
  }

  copyButton() {
    const button = iconButton("copy", "Copy answer", async () => {
      const sources = this.sources.asText();
      const { text } = this.snapshot;
      await copy(sources ? `${text}\n\n${sources}` : text);
      button.replaceChildren(icon("check"), element("span", {}, "Copied"));
      button.classList.add("copied");
      announce("Copied");
      setTimeout(() => {
        button.replaceChildren(icon("copy"));
        button.classList.remove("copied");
      }, 2000);
    });
    return button;
  }
}

function outcomeClasses(snapshot) {
  return [snapshot.outcome ?? "failed", ...(snapshot.verified ? ["verified"] : snapshot.confidence === "uncertain" ? ["uncertain"] : [])];
}

function outcomeMark(snapshot) {
  if (snapshot.details.decision?.action === "refused") return [];
  if (snapshot.outcome === "abstained") return [badge("compass", "No sure answer in your documents")];
  if (snapshot.outcome === "failed") return [badge("alert", "This did not work")];
  if (snapshot.verified) return [badge("check", "Verified by a colleague")];
  if (snapshot.confidence === "uncertain") return [badge("alert", "Uncertain: please check the sources")];
  return [];
}

function badge(name, text) {
  return element("p", { class: "badge" }, icon(name), element("span", {}, text));
}

function fallbackText(snapshot) {
  return snapshot.outcome === "failed" ? "Something went wrong while answering. Please try again." : "I don't know.";
}

function detailsOf(snapshot) {
  const { model, adapter, index_version: indexVersion, timings_ms: timings, decision } = snapshot.details;
  const times = Object.entries(timings ?? {}).filter(([, value]) => typeof value === "number");
  const rows = [
    ["Decision", decision?.action && [`${decision.action} (${decision.rule})`, ...decision.notes].join("; ")],
    ["Model", model], ["Adapter", adapter], ["Index", indexVersion], ["Asked", age(snapshot.created_at)],
    ...times.map(([name, value]) => [`Time: ${name.replace(/_ms$/, "").replaceAll("_", " ")}`, duration(value)]),
  ].filter(([, value]) => value);
  return element("dl", { class: "details", hidden: true },
    ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = element("textarea", { class: "visually-hidden" }); // a page without https has no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

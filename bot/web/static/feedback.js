// Thumbs, and the box that opens after the one that points down.

import * as api from "./api.js";
import { announce, element, iconButton } from "./dom.js";

const REASONS = [
  ["made_up", "Made up"],
  ["incomplete", "Incomplete"],
  ["outdated", "Outdated"],
  ["wrong_source", "Wrong source"],
  ["tone", "Tone"],
  ["other", "Something else"],
];

export class Feedback {
  constructor(answerId, given) {
    this.answerId = answerId;
    this.up = iconButton("thumb", "Helpful", () => this.giveUp(), { "aria-pressed": "false" });
    this.down = iconButton("thumb", "Not helpful", () => this.giveDown(), { "aria-pressed": "false", "aria-expanded": "false" });
    this.down.classList.add("thumb-down");
    this.note = element("span", { class: "feedback-note" });
    this.box = element("div", { hidden: true });
    this.press(given?.thumb ?? null);
  }

  press(thumb) {
    this.thumb = thumb;
    this.up.setAttribute("aria-pressed", String(thumb === "up"));
    this.down.setAttribute("aria-pressed", String(thumb === "down"));
  }

  async giveUp() {
    this.close();
    if (await this.give("up")) this.say("Thank you.");
  }

  async give(thumb, more = {}) {
    const before = this.thumb;
    this.press(thumb);
    try {
      await api.giveFeedback(this.answerId, { thumb, ...more });
      return true;
    } catch (error) {
      this.press(before);
      this.say(error instanceof api.Refused ? error.message : "That did not reach us. Please try again.");
      return false;
    }
  }

  giveDown() {
    // The thumb counts at once; the reason is a favour.
    if (this.thumb !== "down") this.give("down");
    if (this.box.hidden) this.open();
    else this.close();
  }

  open() {
    this.box.replaceChildren(this.form());
    this.box.hidden = false;
    this.down.setAttribute("aria-expanded", "true");
    this.box.querySelector("input").focus();
    this.box.firstElementChild.scrollIntoView({ block: "nearest" });
  }

  close(returnFocus = false) {
    if (this.box.hidden) return;
    this.box.hidden = true;
    this.down.setAttribute("aria-expanded", "false");
    if (returnFocus) this.down.focus();
  }

  form() {
    const name = `reason-${this.answerId}`;
    const chips = REASONS.map(([value, label]) =>
      element("label", { class: "chip" }, element("input", { type: "radio", name, value }), element("span", {}, label)));
    const correction = element("textarea", { id: `correction-${this.answerId}`, rows: "3", maxlength: "4000" });
    const form = element(
      "form", { class: "feedback-box", "aria-label": "What was wrong with this answer?" },
      element("fieldset", {}, element("legend", {}, "What was wrong?"), element("div", { class: "chips" }, ...chips)),
      element("label", { class: "field-label", for: correction.id }, "What would be the right answer? ",
        element("span", { class: "optional" }, "Optional. A person reads it before anything changes.")),
      correction,
      element("div", { class: "feedback-actions" },
        element("button", { type: "submit", class: "primary" }, "Send feedback"),
        element("button", { type: "button", class: "quiet", onclick: () => this.close(true) }, "Cancel")),
    );
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close(true);
    });
    form.addEventListener("submit", (event) => this.send(event, form, name, correction));
    return form;
  }

  async send(event, form, name, correction) {
    event.preventDefault();
    const reason = new FormData(form).get(name);
    const text = correction.value.trim();
    if (!await this.give("down", { ...(reason && { reason }), ...(text && { correction: text }) })) return;
    this.close(true);
    this.say("Thank you. This helps to make the next answer better.");
  }

  say(text) {
    this.note.textContent = text;
    announce(text);
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { this.note.textContent = ""; }, 6000);
  }
}

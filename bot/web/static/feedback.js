// Thumbs, and the box that opens after the one that points down. What was said can be changed at any time.

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
  constructor(answerId, given, titles) {
    this.answerId = answerId;
    this.said = given ?? {};
    this.titles = titles;
    this.up = iconButton("thumb", "Helpful", () => this.giveUp(), { "aria-pressed": "false" });
    this.down = iconButton("thumb", "Not helpful", () => this.giveDown(), { "aria-pressed": "false", "aria-expanded": "false" });
    this.down.classList.add("thumb-down");
    this.note = element("span", { class: "feedback-note" });
    this.change = element("button", { type: "button", class: "quiet feedback-change", hidden: true, onclick: () => this.open() },
      "Change your feedback");
    this.box = element("div", { hidden: true });
    this.press(given?.thumb ?? null);
    this.offerChange();
  }

  offerChange() {
    this.change.hidden = this.thumb !== "down" || !["reason", "comment", "correction", "source"].some((name) => this.said[name]);
  }

  press(thumb) {
    this.thumb = thumb;
    this.up.setAttribute("aria-pressed", String(thumb === "up"));
    this.down.setAttribute("aria-pressed", String(thumb === "down"));
  }

  async giveUp() {
    this.close();
    if (!await this.give("up")) return;
    this.said = { ...this.said, reason: null };
    this.say("Thank you.");
  }

  async give(thumb, more = {}) {
    const before = this.thumb;
    this.press(thumb);
    try {
      await api.giveFeedback(this.answerId, { thumb, ...more });
      this.offerChange();
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
    this.change.hidden = true;
    this.down.setAttribute("aria-expanded", "true");
    (this.box.querySelector("input:checked") ?? this.box.querySelector("input")).focus();
    this.box.firstElementChild.scrollIntoView({ block: "nearest" });
  }

  close(returnFocus = false) {
    if (this.box.hidden) return;
    this.box.hidden = true;
    this.down.setAttribute("aria-expanded", "false");
    this.offerChange();
    if (returnFocus) this.down.focus();
  }

  form() {
    const name = `reason-${this.answerId}`;
    const chips = REASONS.map(([value, label]) => element("label", { class: "chip" },
      element("input", { type: "radio", name, value, checked: this.said.reason === value }), element("span", {}, label)));
    const known = ["reason", "comment", "correction", "source"].some((each) => this.said[each]);
    const form = element(
      "form", { class: "feedback-box", "aria-label": "What was wrong with this answer?" },
      element("fieldset", {}, element("legend", {}, "What was wrong?"), element("div", { class: "chips" }, ...chips)),
      ...this.field("comment", "In your words", "Optional.", { rows: "2", maxlength: "2000" }),
      ...this.field("correction", "What would be the right answer?", "Optional. A person reads it before anything changes.",
        { rows: "3", maxlength: "4000" }),
      ...this.field("source", "Where is it written?", "Optional. A document, a page or a link.", { maxlength: "1000" }),
      element("div", { class: "feedback-actions" },
        element("button", { type: "submit", class: "primary" }, known ? "Save changes" : "Send feedback"),
        element("button", { type: "button", class: "quiet", onclick: () => this.close(true) }, "Cancel")),
    );
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close(true);
    });
    form.addEventListener("submit", (event) => this.send(event, form, name));
    return form;
  }

  field(name, title, hint, attributes) {
    const id = `${name}-${this.answerId}`;
    const label = element("label", { class: "field-label", for: id }, `${title} `, element("span", { class: "optional" }, hint));
    if (name !== "source") {
      const area = element("textarea", { id, name, ...attributes });
      area.value = this.said[name] ?? "";
      return [label, area];
    }
    const input = element("input", { id, name, type: "text", list: `${id}-known`, autocomplete: "off", ...attributes });
    input.value = this.said[name] ?? "";
    const known = element("datalist", { id: `${id}-known` }, ...this.titles.map((title) => element("option", { value: title })));
    return [label, input, known];
  }

  async send(event, form, name) {
    event.preventDefault();
    const entered = new FormData(form);
    const text = (field) => entered.get(field).trim() || null;
    const said = { reason: entered.get(name), comment: text("comment"), correction: text("correction"), source: text("source") };
    if (!await this.give("down", said)) return;
    this.said = said;
    this.close(true);
    this.say(said.correction
      ? "Thank you. A colleague will look at your answer before it is used."
      : "Thank you. This helps to make the next answer better.");
  }

  say(text) {
    this.note.textContent = text;
    announce(text);
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { this.note.textContent = ""; }, 6000);
  }
}

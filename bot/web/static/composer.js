// The field where questions are typed.

import { byId, icon } from "./dom.js";

const DRAFT = "draft";

export class Composer {
  constructor(onSend) {
    this.onSend = onSend;
    this.limit = Infinity;
    this.busy = false;
    this.field = byId("question");
    this.button = byId("send");
    this.button.append(icon("send"));
    this.field.value = sessionStorage.getItem(DRAFT) ?? "";
    this.field.addEventListener("input", () => this.changed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.changed();
  }

  setLimit(characters) {
    this.limit = characters;
    this.changed();
  }

  setBusy(busy) {
    // While an answer is on its way one may type on, but not send.
    this.busy = busy;
    this.changed();
  }

  put(text, problem = "") {
    this.field.value = text;
    this.changed();
    this.problem(problem);
    this.focus();
  }

  focus() {
    this.field.focus();
  }

  problem(text) {
    byId("problem").textContent = text;
    byId("problem").hidden = !text;
  }

  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  changed() {
    const length = [...this.field.value.trim()].length;
    const over = length > this.limit;
    this.button.disabled = length === 0 || over || this.busy;
    this.button.title = this.busy ? "Wait for the answer" : "Send";
    this.field.setAttribute("aria-invalid", String(over));
    const count = byId("count");
    count.hidden = length < this.limit * 0.8;
    count.classList.toggle("over", over);
    count.textContent = `${length.toLocaleString("en")} of ${this.limit.toLocaleString("en")} characters`;
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
    sessionStorage.setItem(DRAFT, this.field.value);
  }

  send() {
    if (this.button.disabled) return;
    const text = this.field.value.trim();
    this.field.value = "";
    this.problem("");
    this.changed();
    this.onSend(text);
  }
}

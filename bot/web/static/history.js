// The list of conversations at the side, which is a drawer on a narrow screen.

import * as api from "./api.js";
import { byId, element, recall, remember } from "./dom.js";

const DAY = 86_400_000;
const narrow = matchMedia("(max-width: 820px)");

export class History {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.items = [];
    this.current = null;
    this.sidebar = byId("sidebar");
    byId("show-sidebar").addEventListener("click", () => this.show(true, true));
    byId("hide-sidebar").addEventListener("click", () => this.show(false, true));
    byId("backdrop").addEventListener("click", () => this.show(false, true));
    narrow.addEventListener("change", () => this.show(this.wanted()));
    this.show(this.wanted());
  }

  wanted() {
    return !narrow.matches && recall("sidebar") !== "closed";
  }

  show(open, byHand = false) {
    const drawer = open && narrow.matches;
    byId("layout").dataset.sidebar = open ? "open" : "closed";
    this.sidebar.inert = !open;
    byId("main").inert = drawer;
    byId("backdrop").hidden = !drawer;
    byId("show-sidebar").setAttribute("aria-expanded", String(open));
    if (!byHand) return;
    if (!narrow.matches) remember("sidebar", open ? null : "closed");
    byId(open ? "hide-sidebar" : "show-sidebar").focus();
  }

  closeDrawer() {
    if (!narrow.matches || byId("layout").dataset.sidebar !== "open") return false;
    this.show(false, true);
    return true;
  }

  async refresh() {
    try {
      this.items = await api.conversations();
      this.draw();
    } catch {
      // the list as it was is better than none; the next question refreshes it
    }
  }

  select(conversationId) {
    this.current = conversationId;
    this.draw();
  }

  draw() {
    const groups = new Map();
    for (const item of this.items) groups.set(group(item), [...(groups.get(group(item)) ?? []), item]);
    const parts = [...groups].map(([name, items]) =>
      element("section", { class: "thread-group" }, element("h2", {}, name),
        element("ul", {}, ...items.map((item) => element("li", {}, this.link(item))))));
    byId("threads").replaceChildren(
      ...(parts.length ? parts : [element("p", { class: "no-threads" }, "Your questions will be listed here.")]));
  }

  link(item) {
    const link = element("a", {
      href: `/?c=${item.id}`, title: item.title, "aria-current": item.id === this.current ? "page" : null,
    }, item.title);
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return; // a new tab, as usual
      event.preventDefault();
      this.onOpen(item.id);
    });
    return link;
  }
}

function group(item) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const when = Date.parse(item.updated_at);
  if (when >= midnight) return "Today";
  if (when >= midnight - DAY) return "Yesterday";
  return when >= midnight - 7 * DAY ? "Last 7 days" : "Earlier";
}

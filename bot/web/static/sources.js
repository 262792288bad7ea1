// The numbered sources under an answer, and the marks in its text that lead to them.

import { age, element } from "./dom.js";

export class Sources {
  constructor() {
    this.element = element("section", { class: "sources", hidden: true });
    this.items = new Map();
    this.titles = new Map();
    this.cited = [];
  }

  show(snapshot) {
    const key = JSON.stringify([snapshot.sources, snapshot.outcome, snapshot.stage === "done"]);
    if (key === this.key) return;
    this.key = key;
    this.items.clear();
    this.titles = new Map(snapshot.sources.map((source) => [source.number, source.title]));
    const done = snapshot.stage === "done";
    const cited = snapshot.sources.filter((source) => source.cited);
    this.cited = cited;
    const near = snapshot.sources.filter((source) => !source.cited);
    this.element.replaceChildren();
    this.element.hidden = !done || snapshot.sources.length === 0;
    if (this.element.hidden) return;
    if (cited.length) this.element.append(element("h3", {}, "Sources"), this.list(cited));
    if (near.length && cited.length) this.element.append(this.more(near));
    else if (near.length) this.element.append(element("h3", {}, "Nearest documents"), this.list(near));
  }

  more(near) {
    const label = near.length === 1 ? "1 more passage looked at" : `${near.length} more passages looked at`;
    return element("details", { class: "more-sources" }, element("summary", {}, label), this.list(near));
  }

  list(sources) {
    return element("ol", { class: "source-list" }, ...sources.map((source) => this.item(source)));
  }

  item(source) {
    const path = source.headings.filter((heading) => heading !== source.title).join(" › ");
    const item = element(
      "li", { class: "source", value: String(source.number) },
      element("span", { class: "source-number", "aria-hidden": "true" }, String(source.number)),
      element(
        "div", { class: "source-body" },
        element("a", { class: "source-title", href: source.href, target: "_blank", rel: "noopener" }, source.title,
          element("span", { class: "visually-hidden" }, `${path && `, ${path}`} (opens in a new tab)`)),
        facts(path, source.modified_at),
        source.excerpt ? element("p", { class: "source-excerpt" }, source.excerpt) : null,
      ),
    );
    this.items.set(source.number, item);
    return item;
  }

  citation = (number) => {
    // The mark for one source in the text, or null when the answer has no such source.
    const title = this.titles.get(number);
    if (title === undefined) return null;
    return element(
      "sup", {},
      element("button", {
        type: "button", class: "citation", "aria-label": `Source ${number}: ${title}`, title,
        onclick: () => this.point(number),
      }, String(number)),
    );
  };

  point(number) {
    const item = this.items.get(number);
    if (!item) return;
    const details = item.closest("details");
    if (details) details.open = true;
    for (const other of this.items.values()) other.classList.remove("pointed");
    item.classList.add("pointed");
    item.scrollIntoView({ block: "nearest" });
    item.querySelector("a").focus({ preventScroll: true });
  }

  asText() {
    return this.cited.map((source) => `[${source.number}] ${source.title}${source.url ? ` ${source.url}` : ""}`).join("\n");
  }
}

function facts(path, modifiedAt) {
  if (!path && !modifiedAt) return null;
  return element(
    "p", { class: "source-facts" },
    path ? element("span", { class: "source-path" }, path) : null,
    modifiedAt
      ? element("time", { datetime: modifiedAt, title: new Date(modifiedAt).toLocaleDateString("en", { dateStyle: "long" }) },
        `updated ${age(modifiedAt)}`)
      : null,
  );
}

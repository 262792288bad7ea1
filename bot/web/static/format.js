// From the text of an answer to elements: paragraphs, lists, emphasis, code and citations. Nothing becomes a link.

import { element } from "./dom.js";

const LIST_ITEM = /^\s*(?:[-*•]|\d{1,3}[.)])\s+/;
const NUMBERED = /^\s*\d/;
const INLINE = /\*\*(.+?)\*\*|\*(?!\s)([^*\n]+?)(?<!\s)\*|`([^`\n]+)`|\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]/g;

export function blocks(text) {
  // [{ kind: "p" | "ul" | "ol", lines: [string] }]
  const found = [];
  for (const paragraph of text.replaceAll("\r\n", "\n").split(/\n\s*\n/)) {
    let block = null;
    for (const line of paragraph.split("\n").filter((each) => each.trim())) {
      const kind = LIST_ITEM.test(line) ? (NUMBERED.test(line) ? "ol" : "ul") : "p";
      if (kind === "p" && block && block.kind !== "p" && /^\s/.test(line)) {
        block.lines[block.lines.length - 1] += ` ${line.trim()}`; // an item that goes on
        continue;
      }
      if (block?.kind !== kind) found.push((block = { kind, lines: [] }));
      block.lines.push(kind === "p" ? line.trim() : line.replace(LIST_ITEM, ""));
    }
  }
  return found;
}

function inline(parent, text, citation) {
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, bold, italic, code, numbers] = match;
    const marks = numbers === undefined ? null : citations(whole, numbers, citation);
    const before = text.slice(end, match.index);
    parent.append(marks?.every((mark) => mark instanceof Node) ? before.trimEnd() : before);
    end = match.index + whole.length;
    if (bold !== undefined) parent.append(element("strong", {}, bold));
    else if (italic !== undefined) parent.append(element("em", {}, italic));
    else if (code !== undefined) parent.append(element("code", {}, code));
    else parent.append(...marks);
  }
  parent.append(text.slice(end));
  return parent;
}

function citations(whole, numbers, citation) {
  const marks = numbers.split(",").map((number) => citation(Number(number)));
  return marks.includes(null) ? [whole] : marks;
}

function draw(block, citation) {
  if (block.kind === "p") {
    const paragraph = element("p");
    block.lines.forEach((line, index) => {
      if (index) paragraph.append(element("br"));
      inline(paragraph, line.replace(/^#{1,6}\s+(.*)$/, "**$1**"), citation);
    });
    return paragraph;
  }
  return element(block.kind, {}, ...block.lines.map((line) => inline(element("li"), line, citation)));
}

export function show(container, text, citation) {
  // Keeps the elements whose text did not change, so that a screen reader hears only what is new.
  const wanted = blocks(text);
  wanted.forEach((block, index) => {
    const key = JSON.stringify(block);
    const present = container.children[index];
    if (present?.answerBlock === key) return;
    const drawn = draw(block, citation);
    drawn.answerBlock = key;
    if (present) present.replaceWith(drawn);
    else container.append(drawn);
  });
  while (container.children.length > wanted.length) container.lastElementChild.remove();
}

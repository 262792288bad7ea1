// Building elements. Text only ever becomes a text node.

const SVG = "http://www.w3.org/2000/svg";

const SHAPES = {
  plus: ["M12 5v14", "M5 12h14"],
  sidebar: ["M6 4.5h12a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2z", "M9.5 4.5v15"],
  send: ["M12 19V5", "M6 11l6-6 6 6"],
  copy: ["M11 9h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2z", "M5.5 15A1.5 1.5 0 0 1 4 13.5V6a2 2 0 0 1 2-2h7.5A1.5 1.5 0 0 1 15 5.5"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  thumb: ["M7 10.5v9.5", "M14.5 6l-.8 4h5.1a1.9 1.9 0 0 1 1.85 2.4l-1.7 6.2A1.9 1.9 0 0 1 17.1 20H5.5A1.5 1.5 0 0 1 4 18.5v-6.5a1.5 1.5 0 0 1 1.5-1.5h2.2a1.8 1.8 0 0 0 1.6-1L12 4a2.7 2.7 0 0 1 2.5 2z"],
  info: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M12 11.5V16", "M12 8.2v.1"],
  moon: ["M20 13.8A8.2 8.2 0 0 1 10.2 4a8.2 8.2 0 1 0 9.8 9.8z"],
  close: ["M6.5 6.5l11 11", "M17.5 6.5l-11 11"],
  alert: ["M12 4.5l8.5 15h-17z", "M12 10v4", "M12 16.8v.1"],
  compass: ["M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z", "M15 9l-1.8 4.2L9 15l1.8-4.2z"],
  again: ["M19 12a7 7 0 1 1-2-4.9", "M19.5 4v4h-4"],
  person: ["M12 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z", "M5 20a7 7 0 0 1 14 0"],
};

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const shape of SHAPES[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

export const byId = (id) => document.getElementById(id);

export function iconButton(name, label, onclick, attributes = {}) {
  return element(
    "button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes },
    icon(name),
  );
}

export function announce(text) {
  // Emptied first, so that the same words are announced again.
  const announcer = byId("announcer");
  announcer.textContent = "";
  setTimeout(() => { announcer.textContent = text; }, 50);
}

const UNITS = [["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

export function age(isoTime) {
  const seconds = (Date.parse(isoTime) - Date.now()) / 1000;
  const found = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (!found) return "just now";
  const [unit, length] = found;
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(seconds / length), unit);
}

export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // storage is switched off: then it is forgotten
  }
}

export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

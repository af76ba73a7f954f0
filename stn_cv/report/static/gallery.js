"use strict";
// Filters, pages and cards, for a report and for a review. `source(query, page)` promises
// {total, first, cards}; text from outside reaches the page as text nodes and attributes only.
const SVG = "http://www.w3.org/2000/svg";
const by = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const node = tag === "svg" || tag === "polygon" || tag === "line"
    ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function outlineOf(points) {
  const overlay = make("svg", {class: "overlay", viewBox: "-1 -1 2 2", preserveAspectRatio: "none", "aria-hidden": "true"});
  if (points.length) {
    const stroke = {"vector-effect": "non-scaling-stroke"};
    overlay.append(make("polygon", {points: points.map((p) => p.join(",")).join(" "), ...stroke}));
    const end = points[Math.max(1, points.length / 4)];  // as many points on each side
    overlay.append(make("line", {class: "top", x1: points[0][0], y1: points[0][1], x2: end[0], y2: end[1], ...stroke}));
  }
  return overlay;
}

function pictureOf(address, points, words) {
  const box = make("div", {class: "picture"});
  if (address) {
    const image = make("img", {src: address, alt: words, loading: "lazy"});
    box.append(make("div", {class: "shape"}, image, outlineOf(points)));
  }
  return box;
}

function factsOf(card) {
  const facts = [card.status];
  if (card.mark && card.mark !== "none") facts.push(`marked ${card.mark}`);
  if (card.label !== null && card.label !== undefined) facts.push(`class ${card.label}`);
  if (typeof card.confidence === "number") facts.push(`confidence ${card.confidence.toFixed(2)}`);
  if (typeof card.angle === "number") facts.push(`turned ${card.angle.toFixed(1).replace("-", "−")}°`);
  if (typeof card.scale === "number") facts.push(`scale ${card.scale.toFixed(2)}`);
  if (card.note) facts.push(card.note);
  if (card.why) facts.push(card.why);
  return facts.join(" · ");
}

function cardOf(card) {
  const pictures = card.before || card.after
    ? [pictureOf(card.before, card.outline, "before, with the frame"), pictureOf(card.after, [], "after")]
    : [make("div", {class: "picture absent"}, "no picture")];
  const name = make("div", {class: "name", title: card.name}, make("bdi", {dir: "ltr"}, card.name));
  const node = make("article", {class: "card", tabindex: "-1", "aria-label": card.name}, ...pictures, name);
  node.append(make("div", {class: "fact"}, factsOf(card)));
  if (card.error) node.append(make("div", {class: "fact error"}, card.error));
  return node;
}

class Gallery {
  constructor(source, opened = () => {}) {
    this.source = source;
    this.opened = opened;
    this.page = 0;
    this.asked = 0;
    this.nodes = [];
    const filters = by("filters");
    filters.addEventListener("submit", (event) => event.preventDefault());
    filters.addEventListener("input", () => this.show(0));
    filters.addEventListener("reset", () => setTimeout(() => this.show(0)));
    by("back").addEventListener("click", () => this.show(this.page - 1));
    by("on").addEventListener("click", () => this.show(this.page + 1));
    by("cards").addEventListener("keydown", (event) => this.key(event));
    by("cards").addEventListener("focusin", (event) => this.mark(event.target.closest(".card")));
    by("cards").addEventListener("click", (event) => {
      const node = event.target.closest(".card");
      if (node) this.opened(this.cards[this.nodes.indexOf(node)]);
    });
  }

  async show(page, focus = null) {
    const mine = ++this.asked;
    const found = await this.source(new URLSearchParams(new FormData(by("filters"))), Math.max(page, 0));
    if (mine !== this.asked) return;  // a later question was asked meanwhile
    const {total, page: given, pages, cards} = found;
    this.page = given;
    this.pages = pages;
    this.total = total;
    this.cards = cards;
    this.nodes = cards.map(cardOf);
    by("cards").replaceChildren(...this.nodes.map((node) => make("li", {}, node)));
    by("found").textContent = total === 1 ? "1 photo" : `${total.toLocaleString("en")} photos`;
    by("page").textContent = `Page ${given + 1} of ${pages}`;
    by("back").disabled = given === 0;
    by("on").disabled = given + 1 >= pages;
    if (this.nodes.length) this.nodes[0].tabIndex = 0;
    if (focus !== null && this.nodes.length) this.focus(focus < 0 ? this.nodes.length - 1 : focus);
  }

  // Another state of one card.
  renew(index, card) {
    if (index < 0) return;
    const before = this.nodes[index], node = cardOf(card);
    node.tabIndex = before.tabIndex;
    node.setAttribute("aria-current", before.getAttribute("aria-current") || "false");
    before.replaceWith(node);
    this.nodes[index] = node;
    this.cards[index] = card;
  }

  mark(node) {
    if (!node) return;
    for (const other of this.nodes) {
      other.tabIndex = other === node ? 0 : -1;
      other.setAttribute("aria-current", other === node);
    }
  }

  focus(index) {
    if (index < 0 && this.page > 0) return this.show(this.page - 1, -1);
    if (index >= this.nodes.length && this.page + 1 < this.pages) return this.show(this.page + 1, 0);
    const node = this.nodes[Math.min(Math.max(index, 0), this.nodes.length - 1)];
    if (node) node.focus();
  }

  columns() {
    const top = this.nodes[0].getBoundingClientRect().top;
    const first = this.nodes.findIndex((node) => node.getBoundingClientRect().top > top);
    return first < 0 ? this.nodes.length : first;
  }

  key(event) {
    const index = this.nodes.indexOf(event.target.closest(".card"));
    if (index < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(), ArrowDown: this.columns()};
    if (event.key in steps) this.focus(index + steps[event.key]);
    else if (event.key === "Home") this.focus(0);
    else if (event.key === "End") this.focus(this.nodes.length - 1);
    else if (event.key === "PageUp" && this.page > 0) this.show(this.page - 1, 0);
    else if (event.key === "PageDown" && this.page + 1 < this.pages) this.show(this.page + 1, 0);
    else if (event.key === "Enter") this.opened(this.cards[index]);
    else return;
    event.preventDefault();
  }
}

"use strict";
// The photo under the hand: its frame is drawn over it, corners are dragged or moved by keys.
// `moved(corners, words)` is called for each change; corners are (x, y) in the photo's pixels.
const NAMES = ["top left", "top right", "bottom right", "bottom left"];  // of the output
const MARGIN = 0.06;  // around photo and frame, of the photo's longer side
const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

const rounded = (corner) => corner.map((value) => Math.round(1000 * value) / 1000);

class Stage {
  constructor(moved) {
    this.moved = moved;
    this.corners = null;
    this.view = null;  // what is seen: x, y, width, height in the photo's pixels
    this.dragging = false;
    this.buttons = NAMES.map((name, index) => {
      const button = make("button", {type: "button", class: "corner"}, String(index + 1));
      button.addEventListener("pointerdown", (event) => this.drag(event, index));
      button.addEventListener("keydown", (event) => this.key(event, index));
      by("stage").append(button);
      return button;
    });
  }

  // Where no frame was found, that of the whole photo is a beginning.
  show({width, height, corners, mark}) {
    this.corners = corners || [[0, 0], [width, 0], [width, height], [0, height]];
    this.hopeless = mark === "hopeless";
    this.lookAt(width, height);
    this.draw();
  }

  lookAt(width, height) {
    const xs = [0, width, ...this.corners.map((corner) => corner[0])];
    const ys = [0, height, ...this.corners.map((corner) => corner[1])];
    const margin = MARGIN * Math.max(width, height);
    const [x, y] = [Math.min(...xs) - margin, Math.min(...ys) - margin];
    this.view = {x, y, width: Math.max(...xs) + margin - x, height: Math.max(...ys) + margin - y};
    const stage = by("stage"), image = by("photo"), view = this.view;
    stage.style.aspectRatio = `${view.width} / ${view.height}`;
    stage.style.maxWidth = `min(48rem, 100%, ${75 * view.width / view.height}vh)`;
    this.place(image, [0, 0]);
    image.style.width = `${100 * width / view.width}%`;
    image.style.height = `${100 * height / view.height}%`;
    by("frame").setAttribute("viewBox", `${x} ${y} ${view.width} ${view.height}`);
  }

  place(node, [x, y]) {
    node.style.left = `${100 * (x - this.view.x) / this.view.width}%`;
    node.style.top = `${100 * (y - this.view.y) / this.view.height}%`;
  }

  draw(corners = this.corners, faulty = false) {
    this.corners = corners;
    const stroke = {"vector-effect": "non-scaling-stroke"};
    const [[x1, y1], [x2, y2]] = corners;
    by("frame").replaceChildren(...(this.hopeless ? [] : [
      make("polygon", {points: corners.map((corner) => corner.join(",")).join(" "), class: faulty ? "faulty" : "", ...stroke}),
      make("line", {class: "top", x1, y1, x2, y2, ...stroke}),
    ]));
    this.buttons.forEach((button, index) => {
      const [x, y] = corners[index];
      button.hidden = this.hopeless;
      this.place(button, corners[index]);
      button.setAttribute("aria-label", `Corner ${index + 1}, the output's ${NAMES[index]}: x ${x.toFixed(1)}, y ${y.toFixed(1)}`);
    });
  }

  drag(event, index) {
    if (event.button !== 0) return;
    const button = this.buttons[index], before = this.corners;
    const scale = this.view.width / by("stage").getBoundingClientRect().width;
    const follow = ({clientX, clientY}) => {
      const [x, y] = before[index];
      const to = rounded([x + scale * (clientX - event.clientX), y + scale * (clientY - event.clientY)]);
      this.draw(this.corners.with(index, to));
    };
    const letGo = ({type}) => {
      this.dragging = false;
      button.removeEventListener("pointermove", follow);
      for (const kind of ["pointerup", "pointercancel"]) button.removeEventListener(kind, letGo);
      if (type === "pointercancel") this.draw(this.corners.with(index, before[index]));
      else if (this.corners[index] !== before[index]) this.moved(this.corners, `Corner ${index + 1} moved.`);
    };
    this.dragging = true;
    button.setPointerCapture(event.pointerId);
    button.addEventListener("pointermove", follow);
    for (const kind of ["pointerup", "pointercancel"]) button.addEventListener(kind, letGo);
  }

  key(event, index) {
    if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const pixels = event.shiftKey ? 10 : 1;
    const to = rounded(this.corners[index].map((value, axis) => value + pixels * STEPS[event.key][axis]));
    this.moved(this.corners.with(index, to), `Corner ${index + 1} at ${to.join(", ")}.`);
  }

  turned(degrees) {
    const [x, y] = [0, 1].map((axis) => this.corners.reduce((sum, corner) => sum + corner[axis], 0) / 4);
    const [cos, sin] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
    return this.corners.map((c) => rounded([x + cos * (c[0] - x) - sin * (c[1] - y), y + sin * (c[0] - x) + cos * (c[1] - y)]));
  }

  quarterTurned() {
    return [...this.corners.slice(1), this.corners[0]];
  }

  mirrored() {
    const [first, second, third, fourth] = this.corners;
    return [first, fourth, third, second];
  }
}

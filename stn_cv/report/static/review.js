"use strict";
// The hand: corners are dragged or moved by keys, and every change is sent at once. The server
// decides what is a frame, keeps a version for each photo, and refuses what came second.
(() => {
  const NAMES = ["top left", "top right", "bottom right", "bottom left"];
  const MARGIN = 0.06;  // around photo and frame
  const undone = [];  // what was there before each change: {number, mark, corners}
  let photo = null;  // as the server told it
  let corners = null;  // (x, y) of the four, in the photo's pixels
  let view = null;  // what the stage shows: x, y, width, height in the photo's pixels
  let sending = Promise.resolve();
  let pending = 0;  // changes that the server has not answered yet
  let dragging = false;
  let unsaved = false;  // the corners shown are no frame, so the server has others

  async function ask(path, options) {
    const answer = await fetch(path, options);
    const content = await answer.json();
    return {ok: answer.ok, status: answer.status, content};
  }

  async function source(query, page) {
    query.set("page", page);
    const {ok, content} = await ask(`photos?${query}`).catch(() => ({ok: false, content: {}}));
    if (!ok) {
      say(content.error || "The server does not answer; it may have ended.", true);
      return {total: 0, page: 0, pages: 1, cards: []};
    }
    count(content.marked);
    return content;
  }

  function count({right, corrected, hopeless}) {
    by("marked").textContent = `Marked so far: ${right} right, ${corrected} corrected, ${hopeless} hopeless.`;
  }

  const gallery = new Gallery(source, (card) => open(card.number));

  function say(words, wrong = false) {
    by("said").textContent = words;
    by("said").classList.toggle("wrong", wrong);
  }

  // --- one photo ---

  async function open(number) {
    await sending;
    const {ok, content} = await ask(`photo/${number}`).catch(() => ({ok: false, content: {}}));
    by("editor").hidden = false;
    if (!ok) {
      photo = {number, mark: "none", status: "error"};
      corners = null;
      by("name").textContent = `Photo ${number}`;
      by("facts").textContent = "";
      by("photo").removeAttribute("src");
      by("result").removeAttribute("src");
      by("frame").replaceChildren();
      for (const button of buttons) button.hidden = true;
      say(content.error || "The server does not answer; it may have ended.", true);
      return;
    }
    show(content);
    by("photo").src = `photo/${number}/before.jpg?side=1600`;
    say(content.mark === "none" ? "" : `Marked ${content.mark}.`);
    by("editor").scrollIntoView({block: "nearest"});
    const node = gallery.nodes[gallery.cards.findIndex((card) => card.number === number)];
    if (node) gallery.mark(node);
    if (!by("editor").contains(document.activeElement)) by("editor").querySelector("[data-do=next]").focus({preventScroll: true});
  }

  function show(state) {
    photo = state;
    unsaved = false;
    const whole = [[0, 0], [state.width, 0], [state.width, state.height], [0, state.height]];
    corners = state.corners || whole;
    by("name").textContent = state.name;
    by("facts").textContent = factsOf(state);
    by("result").src = `photo/${state.number}/after.jpg?side=480&version=${state.version}`;
    lookAt();
    draw();
  }

  function lookAt() {
    const xs = [0, photo.width, ...corners.map((c) => c[0])], ys = [0, photo.height, ...corners.map((c) => c[1])];
    const margin = MARGIN * Math.max(photo.width, photo.height);
    const [x, y] = [Math.min(...xs) - margin, Math.min(...ys) - margin];
    view = {x, y, width: Math.max(...xs) + margin - x, height: Math.max(...ys) + margin - y};
    const stage = by("stage"), image = by("photo");
    stage.style.aspectRatio = `${view.width} / ${view.height}`;
    stage.style.maxWidth = `min(48rem, 100%, ${70 * view.width / view.height}vh)`;
    place(image, 0, 0);
    image.style.width = `${100 * photo.width / view.width}%`;
    image.style.height = `${100 * photo.height / view.height}%`;
    by("frame").setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  }

  function place(node, x, y) {
    node.style.left = `${100 * (x - view.x) / view.width}%`;
    node.style.top = `${100 * (y - view.y) / view.height}%`;
  }

  function draw(faulty = false) {
    const stroke = {"vector-effect": "non-scaling-stroke", class: faulty ? "faulty" : ""};
    const hopeless = photo.mark === "hopeless";
    by("frame").replaceChildren();
    if (!hopeless) {
      by("frame").append(make("polygon", {points: corners.map((c) => c.join(",")).join(" "), ...stroke}));
      const [[x1, y1], [x2, y2]] = corners;
      by("frame").append(make("line", {x1, y1, x2, y2, ...stroke, class: "top"}));
    }
    buttons.forEach((button, index) => {
      const [x, y] = corners[index];
      button.hidden = hopeless;
      place(button, x, y);
      button.setAttribute("aria-label", `Corner ${index + 1}, the output's ${NAMES[index]}: x ${x.toFixed(1)}, y ${y.toFixed(1)}`);
    });
  }

  // --- changes ---

  const stateOf = (state) => ({number: state.number, mark: state.mark === "none" || state.mark === "hopeless" ? state.mark : "corrected", corners: state.corners});

  function change(mark, wanted, words) {
    return queued(photo.number, {mark, corners: wanted}, words, true);
  }

  function queued(number, wanted, words, remember) {
    pending += 1;
    sending = sending.then(() => send(number, wanted, words, remember)).catch(() => {
      pending = 0;
      unsaved = true;
      if (!remember) undone.push(wanted);
      say("Not saved: the server does not answer; it may have ended.", true);
    });
    return sending;
  }

  async function send(number, {mark, corners: wanted}, words, remember) {
    const before = stateOf(photo);
    const body = {version: photo.version, mark, ...(mark === "corrected" ? {corners: wanted} : {})};
    const {ok, status, content} = await ask(`photo/${number}`, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    });
    pending -= 1;
    if (!ok && !remember) undone.push({number, mark, corners: wanted});
    if (ok) {
      if (remember) undone.push(before);
      photo = content;
      if (!pending && !dragging) show(content);  // or what was done meanwhile would be lost
      say(`${words} Saved.`);
      refresh(content);
    } else if (status === 409) {
      const now = (await ask(`photo/${number}`)).content;
      show(now);
      say(`Not saved: ${content.error}`, true);
      refresh(now);
    } else {
      unsaved = true;
      draw(true);
      say(`Not saved: ${content.error}`, true);
    }
  }

  // The card of what was changed; the list itself stays, so that nobody loses their place.
  function refresh(content) {
    const index = gallery.cards.findIndex((card) => card.number === content.number);
    count(content.marked);
    if (index >= 0) {
      const fresh = {...content, after: `${content.after}?version=${content.version}`};
      const node = cardOf(fresh);
      node.tabIndex = gallery.nodes[index].tabIndex;
      node.setAttribute("aria-current", gallery.nodes[index].getAttribute("aria-current") || "false");
      gallery.nodes[index].replaceWith(node);
      gallery.nodes[index] = node;
      gallery.cards[index] = fresh;
    }
  }

  function turned(degrees) {
    const [x, y] = [0, 1].map((axis) => corners.reduce((sum, c) => sum + c[axis], 0) / 4);
    const [cos, sin] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
    return corners.map((c) => [x + cos * (c[0] - x) - sin * (c[1] - y), y + sin * (c[0] - x) + cos * (c[1] - y)]).map(rounded);
  }

  const rounded = (corner) => corner.map((value) => Math.round(1000 * value) / 1000);

  function moved(wanted, words) {
    corners = wanted;
    draw();
    return change("corrected", wanted, words);
  }

  async function step(by_) {
    const index = gallery.cards.findIndex((card) => card.number === photo.number) + by_;
    if (index >= 0 && index < gallery.cards.length) return open(gallery.cards[index].number);
    const page = gallery.page + by_;
    if (page < 0 || page >= gallery.pages) return say(by_ > 0 ? "That was the last one of this filter." : "That is the first one.");
    await gallery.show(page);
    if (gallery.cards.length) return open(gallery.cards[by_ > 0 ? 0 : gallery.cards.length - 1].number);
  }

  async function undo() {
    await sending;
    if (unsaved) {
      show(photo);
      return say("Undone: as it was saved.");
    }
    const before = undone.pop();
    if (!before) return say("There is nothing to undo.");
    if (photo === null || photo.number !== before.number) await open(before.number);
    return queued(before.number, before, "Undone.", false);
  }

  const actions = {
    next: () => step(1),
    previous: () => step(-1),
    right: () => photo.found ? change("corrected", photo.found, "Marked as right.") : say("No frame was found here that could be right; drag the corners.", true),
    hopeless: () => change("hopeless", null, "Marked as hopeless."),
    quarter: () => moved([...corners.slice(1), corners[0]], "A quarter turn."),
    left: () => moved(turned(-1), "Turned."),
    clockwise: () => moved(turned(1), "Turned."),
    mirror: () => moved([corners[0], corners[3], corners[2], corners[1]], "The order is mirrored."),
    reset: () => change("none", null, "Back to what was found."),
    undo,
    close: () => {
      by("editor").hidden = true;
      const node = gallery.nodes[gallery.cards.findIndex((card) => card.number === photo.number)];
      if (node) node.focus();
    },
  };
  const needCorners = new Set(["right", "quarter", "left", "clockwise", "mirror"]);
  const keys = {n: "next", p: "previous", y: "right", h: "hopeless", r: "quarter", "[": "left", "]": "clockwise", m: "mirror", 0: "reset", u: "undo", Escape: "close"};

  function act(name) {
    if (photo === null || by("editor").hidden) return name === "undo" ? undo() : undefined;
    if (photo.version === undefined && !["next", "previous", "undo", "close"].includes(name)) return say("This photo cannot be shown, so it cannot be corrected.", true);
    if (photo.mark === "hopeless" && needCorners.has(name) && name !== "right") return say("It is marked as hopeless; reset it first.", true);
    return actions[name]();
  }

  by("editor").querySelector(".tools").addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) act(button.dataset.do);
  });

  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea")) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return undo();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || by("editor").hidden) return;
    if (/^[1-4]$/.test(event.key)) return buttons[event.key - 1].focus();
    const name = keys[event.key] || keys[event.key.toLowerCase()];
    if (name) {
      event.preventDefault();
      act(name);
    }
  });

  // --- corners ---

  const buttons = NAMES.map((name, index) => {
    const button = make("button", {type: "button", class: "corner"}, String(index + 1));
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      dragging = true;
      const box = by("stage").getBoundingClientRect(), start = [...corners[index]];
      const [scale, x, y] = [view.width / box.width, event.clientX, event.clientY];
      const follow = (moving) => {
        const to = [start[0] + scale * (moving.clientX - x), start[1] + scale * (moving.clientY - y)];
        corners = corners.map((corner, other) => other === index ? rounded(to) : corner);
        draw();
      };
      const letGo = (ending) => {
        dragging = false;
        button.removeEventListener("pointermove", follow);
        for (const kind of ["pointerup", "pointercancel"]) button.removeEventListener(kind, letGo);
        if (ending.type === "pointercancel") { corners = corners.map((corner, other) => other === index ? start : corner); draw(); }
        else if (corners[index].some((value, axis) => value !== start[axis])) change("corrected", corners, `Corner ${index + 1} moved.`);
      };
      button.addEventListener("pointermove", follow);
      for (const kind of ["pointerup", "pointercancel"]) button.addEventListener(kind, letGo);
    });
    button.addEventListener("keydown", (event) => {
      const steps = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
      if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const far = event.shiftKey ? 10 : 1;
      const to = rounded(corners[index].map((value, axis) => value + far * steps[event.key][axis]));
      moved(corners.map((corner, other) => other === index ? to : corner), `Corner ${index + 1} at ${to.join(", ")}.`);
    });
    by("stage").append(button);
    return button;
  });

  gallery.show(0);
})();

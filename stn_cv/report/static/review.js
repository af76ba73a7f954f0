"use strict";
// The review: photos are opened, marked and corrected, and every change is sent at once. The
// server decides what is a frame, keeps a version for each photo, and refuses what came second.
(() => {
  const undone = [];  // what was there before each change: {number, mark, corners}
  let photo = null;  // as the server told it
  let opening = 0;  // how many photos were asked for
  let acting = Promise.resolve();  // keys and buttons are followed one after the other
  let sending = Promise.resolve();  // so are changes
  let pending = 0;  // changes that the server has not answered yet
  let unsaved = false;  // the corners shown are no frame, so the server has others

  async function ask(path, options) {
    const answer = await fetch(path, options);
    const content = await answer.json();
    return {ok: answer.ok, status: answer.status, content};
  }

  const read = (path) => ask(path).catch(() => ({ok: false, content: {error: "The server does not answer; it may have ended."}}));

  async function source(query, page) {
    query.set("page", page);
    const {ok, content} = await read(`photos?${query}`);
    if (!ok) {
      say(content.error, true);
      return {total: 0, page: 0, pages: 1, cards: []};
    }
    count(content.marked);
    return content;
  }

  function count({right, corrected, hopeless}) {
    by("marked").textContent = `Marked so far: ${right} right, ${corrected} corrected, ${hopeless} hopeless.`;
  }

  function say(words, wrong = false) {
    by("said").textContent = words;
    by("said").classList.toggle("wrong", wrong);
  }

  const gallery = new Gallery(source, (card) => open(card.number));
  const stage = new Stage(moved);
  const placeOf = (number) => gallery.cards.findIndex((card) => card.number === number);

  // --- one photo ---

  async function open(number) {
    const mine = ++opening;
    await sending;
    const {ok, content} = await read(`photo/${number}`);
    if (mine !== opening) return;  // another one was asked for meanwhile
    by("editor").hidden = false;
    by("stage").hidden = by("output").hidden = !ok;
    if (ok) {
      show(content);
      by("photo").src = `photo/${number}/before.jpg?side=1600`;
      if (content.changed) say("This photo was changed since the run, so its frame may be off.", true);
      else say(content.mark === "none" ? "" : `Marked ${content.mark}.`);
    } else {
      photo = {number, mark: "none"};
      const card = gallery.cards[placeOf(number)];
      by("name").textContent = card ? card.name : `Photo ${number}`;
      by("facts").textContent = card ? factsOf(card) : "";
      say(content.error, true);
    }
    by("editor").scrollIntoView({block: "nearest"});
    gallery.mark(gallery.nodes[placeOf(number)]);
    if (!by("editor").contains(document.activeElement)) by("editor").querySelector("[data-do=next]").focus({preventScroll: true});
  }

  function show(state) {
    photo = state;
    unsaved = false;
    by("name").textContent = state.name;
    by("facts").textContent = factsOf(state);
    by("result").src = `photo/${state.number}/after.jpg?side=480&version=${state.version}`;
    stage.show(state);
  }

  // --- changes ---

  const stateOf = ({number, mark, corners}) => ({number, mark: mark === "right" ? "corrected" : mark, corners});

  function change(mark, corners, words) {
    return queued({number: photo.number, mark, corners}, words, true);
  }

  function moved(corners, words) {
    stage.draw(corners);
    return change("corrected", corners, words);
  }

  function queued(wanted, words, remember) {
    pending += 1;
    sending = sending.then(() => send(wanted, words, remember)).catch(() => {
      pending = 0;
      unsaved = true;
      if (!remember) undone.push(wanted);
      say("Not saved: the server does not answer; it may have ended.", true);
    });
    return sending;
  }

  async function send(wanted, words, remember) {
    const {number, mark, corners} = wanted, before = stateOf(photo);
    const body = {version: photo.version, mark, ...(mark === "corrected" ? {corners} : {})};
    const {ok, status, content} = await ask(`photo/${number}`, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
    });
    pending -= 1;
    if (ok) {
      if (remember) undone.push(before);
      photo = content;
      if (!pending && !stage.dragging) show(content);  // or what was done meanwhile would be lost
      say(`${words} Saved.`);
      refresh(content);
      return;
    }
    if (!remember) undone.push(wanted);
    if (status === 409) {
      const now = (await ask(`photo/${number}`)).content;
      show(now);
      refresh(now);
    } else {
      unsaved = true;
      if (!stage.dragging) stage.lookAt(photo.width, photo.height);
      stage.draw(stage.corners, true);
    }
    say(`Not saved: ${content.error}`, true);
  }

  // The card of what was changed; the list itself stays, so that nobody loses their place.
  function refresh(state) {
    count(state.marked);
    gallery.renew(placeOf(state.number), {...state, after: `${state.after}?version=${state.version}`});
  }

  // --- what keys and buttons do ---

  async function step(direction) {
    const place = placeOf(photo.number) + direction;
    if (place >= 0 && place < gallery.cards.length) return open(gallery.cards[place].number);
    const page = gallery.page + direction;
    if (page < 0 || page >= gallery.pages) return say(direction > 0 ? "That was the last one of this filter." : "That is the first one.");
    await gallery.show(page);
    if (gallery.cards.length) return open(gallery.cards.at(direction > 0 ? 0 : -1).number);
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
    return queued(before, "Undone.", false);
  }

  function close() {
    by("editor").hidden = true;
    const node = gallery.nodes[placeOf(photo.number)];
    if (node) node.focus();
  }

  const ALWAYS = {next: () => step(1), previous: () => step(-1), undo, close};
  const OF_A_PHOTO = {
    right: () => photo.found ? change("corrected", photo.found, "Marked as right.") : say("No frame was found here that could be right; drag the corners.", true),
    hopeless: () => change("hopeless", null, "Marked as hopeless."),
    reset: () => change("none", null, "Back to what was found."),
  };
  const OF_A_FRAME = {
    quarter: () => moved(stage.quarterTurned(), "A quarter turn."),
    counterclockwise: () => moved(stage.turned(-1), "Turned."),
    clockwise: () => moved(stage.turned(1), "Turned."),
    mirror: () => moved(stage.mirrored(), "The order is mirrored."),
  };
  const KEYS = {n: "next", p: "previous", y: "right", h: "hopeless", r: "quarter", "[": "counterclockwise", "]": "clockwise", m: "mirror", 0: "reset", u: "undo", Escape: "close"};

  function follow(name) {
    if (by("editor").hidden) return name === "undo" ? undo() : undefined;
    if (name in ALWAYS) return ALWAYS[name]();
    if (photo.version === undefined) return say("This photo cannot be shown, so it cannot be corrected.", true);
    if (name in OF_A_PHOTO) return OF_A_PHOTO[name]();
    if (photo.mark === "hopeless") return say("It is marked as hopeless; reset it first.", true);
    return OF_A_FRAME[name]();
  }

  function act(name) {
    acting = acting.then(() => follow(name)).catch((error) => say(String(error), true));
  }

  by("editor").querySelector(".tools").addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) act(button.dataset.do);
  });

  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, select, textarea")) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      return act("undo");
    }
    if (event.ctrlKey || event.metaKey || event.altKey || by("editor").hidden) return;
    if (/^[1-4]$/.test(event.key)) return stage.buttons[event.key - 1].focus();
    const name = KEYS[event.key] || KEYS[event.key.toLowerCase()];
    if (name) {
      event.preventDefault();
      act(name);
    }
  });

  gallery.show(0);
})();

(() => {
  const PAGE = 60;
  const all = JSON.parse(by("data").textContent);
  const labels = [...document.querySelectorAll("#filters [name=label] option")].map((o) => o.textContent);

  function wanted(query) {
    const status = query.get("status"), label = query.get("label");
    const below = query.get("confidence"), turn = query.get("turn");
    return (card) => (!status || card.status === status)
      && (!label || String(card.label) === labels[Number(label) + 1])
      && (!below || (typeof card.confidence === "number" && card.confidence < Number(below)))
      && (!turn || (typeof card.angle === "number" && Math.abs(card.angle) >= Number(turn)));
  }

  async function source(query, page) {
    const found = all.filter(wanted(query));
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    const given = Math.min(page, pages - 1);
    return {total: found.length, page: given, pages, cards: found.slice(given * PAGE, (given + 1) * PAGE)};
  }

  new Gallery(source).show(0);
})();

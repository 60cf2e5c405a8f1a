// The frame of a page, and what draws each kind of it.

const DRAWN_BY = {
  run: () => drawRunPage,
  sweep: () => drawSweepPage,
  pair: () => drawPairPage,
  cases: () => drawCasesPage,
};

function frame() {
  const body = el("main", { id: "page", tabindex: "-1" });
  const tools = el("div", { class: "tools" });
  const top = el(
    "header",
    {},
    el("h1", { text: head.title }),
    tools,
    el("div", { class: "lines" }, lines(head.lines ?? [])),
    head.command && command(head.command),
  );
  document.body.append(top, body, el("footer", { text: head.made_by }));
  return { body, tools };
}

/** Draw the page: each kind's own function gets where to draw, and where search boxes and buttons go. */
function main() {
  const { body, tools } = frame();
  const failed = (error) => body.append(el("p", { class: "bad", text: `this page cannot be drawn: ${error.message}` }));
  try {
    Promise.resolve(DRAWN_BY[head.kind]()(body, tools)).catch((error) => {
      failed(error);
      throw error;
    });
  } catch (error) {
    failed(error);
    throw error;
  }
}

main();

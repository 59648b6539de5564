// A rendered page in an element. When it is shown anew, blocks that are as before stay: their pictures, drawings and sorted tables, their
// place on the screen, and the time to lay them out again.

const sourceOf = (node) => node.outerHTML ?? node.textContent;

/** Calls `same(i)` from 0 on while it is true; how often it was, `most` at most. */
const run = (most, same) => {
  let length = 0;
  while (length < most && same(length)) length += 1;
  return length;
};

export const startBlocks = (element) => {
  /** What was shown, as it came: scripts may have put a node into another since, or others beside it. */
  let shown = null;
  const place = (node) => {
    let at = node;
    while (at && at.parentNode !== element) at = at.parentNode;
    return at;
  };

  const clear = () => { shown = null; };

  /** Shows `nodes`, which nobody else has. */
  const show = (nodes) => {
    const fresh = nodes.map((node) => ({ node, source: sourceOf(node) }));
    const old = shown ?? [];
    const shorter = Math.min(old.length, fresh.length);
    let head = run(shorter, (i) => old[i].source === fresh[i].source);
    let tail = run(shorter - head, (i) => old[old.length - 1 - i].source === fresh[fresh.length - 1 - i].source);
    let before = head ? place(old[head - 1].node) : null;
    let after = tail ? place(old[old.length - tail].node) : null;
    // Somebody took a node away that should stay: begin anew.
    if (!shown || (head && !before) || (tail && !after)) [head, tail, before, after] = [0, 0, null, null];
    for (let at = before ? before.nextSibling : element.firstChild; at && at !== after;) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
    const middle = fresh.slice(head, fresh.length - tail);
    const parts = document.createDocumentFragment();
    parts.append(...middle.map(({ node }) => node));
    element.insertBefore(parts, after);
    shown = [...old.slice(0, head), ...middle, ...old.slice(old.length - tail)];
  };
  return { show, clear };
};

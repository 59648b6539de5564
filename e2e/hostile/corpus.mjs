// The hostile corpus: what a writer may try. Each payload, if it ran, would call `__ran('NAME')` or read `__ran.NAME`; the probe watches both.

import { addresses, places } from "./addresses.mjs";
import { blocks, embeddings, inlines, properties } from "./constructs.mjs";
import { diagrams } from "./diagrams.mjs";
import { elements, handlers, scripts } from "./elements.mjs";
import { clobbering, foreign, mutations, styles } from "./mutations.mjs";

/** Payloads on one page: few enough that one which swallows its neighbours hides little. */
const TOGETHER = 32;
const GROUPS = { scripts, handlers, elements, addresses, places, foreign, mutations, clobbering, styles, inlines, blocks, properties, embeddings, diagrams };

/** `name` is group_name; `alone` says that others must not stand on the same page. */
export const corpus = Object.entries(GROUPS).flatMap(([group, payloads]) =>
  payloads.map(([short, text, alone]) => {
    const name = `${group}_${short}`;
    const markdown = text.replaceAll("NAME", name).replaceAll("RUN", `__ran('${name}')`).replaceAll("BARE", `__ran.${name}`);
    return { name, group, markdown, alone: Boolean(alone) || group === "properties" };
  }),
);

/** Pages with the payloads of a group on them; behind each payload stands its name, so that people can find it on the screen. */
export const pages = Object.keys(GROUPS).flatMap((group) => {
  const all = corpus.filter((payload) => payload.group === group);
  const page = (payloads, name) => ({ path: `Corpus/${name}`, names: payloads.map((payload) => payload.name), content: text(payloads) });
  const alone = all.filter((payload) => payload.alone).map((payload) => page([payload], payload.name));
  const together = all.filter((payload) => !payload.alone);
  const parts = Array.from({ length: Math.ceil(together.length / TOGETHER) }, (_, i) => page(together.slice(i * TOGETHER, (i + 1) * TOGETHER), `${group} ${i + 1}`));
  return [...parts, ...alone];
});

/** Everything at once, for the places that show text as it was typed. */
export const everything = text(corpus);

function text(payloads) {
  return `${payloads.map(({ name, markdown }) => `${markdown}\n\n(${name})`).join("\n\n")}\n`;
}

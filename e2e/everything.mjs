// A wiki with every kind of page in it, and what axe-core says about one.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { create, openEditor, save } from "./wiki.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const PAGE = `---
tags: [animals, water]
---
# Everything

Words, *words*, \`code\`, $a^2$, [[Nowhere]], [a link](https://example.org), a note[^1] and ==a mark==.

[^1]: The note.

| a | b |
|:--|--:|
| 1 | 2 |

- [x] done
- [ ] not

\`\`\`python=3 {1} title="a.py"
print("x")  # words
\`\`\`

> [!WARNING]
> Take care.

>! hidden

>| # More
>| words

::: info
words
:::

{{InfoBox
|caption=C
|Key=value
words
}}

{{DataTable
| a | b |
|---|---|
| 1 | 2 |
}}
`;

/** Writes it as whoever `page` is logged in as, and says where its pages are. `words` are those of buttons that have no other name. */
export async function arrange(page, url, words = { resolve: "Resolve", watch: "Watch this page" }) {
  const write = async (name, content, message) => {
    await create(page, url, name);
    await save(page, content, message);
  };
  await write("Everything", PAGE, "First");
  await openEditor(page, url, "/Everything");
  await save(page, PAGE.replace("Words, *words*", "Other *words*"), "Second");
  await write("Folder/Below", "# Below\n\nSee [[Everything]].", "Below");
  await write("templates/Meeting", "# {{title}}", "");
  for (const content of ["Why *other* words?", "Done already.\n\n- so\n- it is"]) {
    await page.goto(`${url}/Everything/comments?quote=words`);
    await page.fill("#holt-new-text", content);
    await Promise.all([page.waitForNavigation(), page.click("#holt-new button")]);
  }
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: words.resolve }).first().click()]);
  await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: words.watch }).click()]);
  const history = await page.goto(`${url}/Everything/history`);
  const [second, first] = [...(await history.text()).matchAll(/name="rev_a" value="(\w{40})"/g)].map(([, id]) => id);
  return {
    everybody: ["/-/login", "/-/register", "/-/lost_password", "/Everything", "/Nowhere", "/-/search?q=words", "/-/about", "/Everything/comments", "/-/housekeeping"],
    ann: ["/", "/Everything", "/Folder", "/Everything/edit", "/Everything/edit?section=everything", "/New/edit", "/-/create", "/Everything/history",
      `/Everything/diff/${first}/${second}`, `/Everything/diff/${first}/${second}?view=side`, `/Everything/diff/${first}/${second}?view=page`,
      `/Everything/view/${first}`, `/-/commit/${second}`, `/-/revert/${second}`, "/Everything/blame", "/Everything/source", "/Everything/attachments", "/Everything/rename",
      "/Everything/delete", "/-/changelog", "/-/changelog?author=ann", "/-/agents", "/-/undo?person=Ann", "/-/index", "/-/tags", "/-/tags?tag=animals", "/-/tree", "/-/deleted", "/-/housekeeping", "/-/housekeeping?kind=broken-link", "/-/move",
      "/-/search?q=words&tag=animals", "/-/search?q=nosuchword", "/-/settings", "/-/settings/agents", "/-/admin/agents", "/-/admin", "/-/admin/user_management", "/-/admin/path_rules", "/-/admin/agent_policy", "/-/admin/mail_preferences", "/-/admin/audit", "/-/admin/workers", "/-/admin/webhooks", "/-/admin/mirror", "/-/user/", "/-/admin/appearance", "/-/admin/sidebar_preferences",
      "/-/admin/content_and_editing", "/-/admin/repository_management", "/-/syntax", "/-/api",
      "/Everything/comments", "/Everything/comments?quote=words", "/Everything/comments?thread=2", "/-/inbox", "/-/proposals", "/-/proposals?status=all"],
  };
}

/** What axe finds on the page, one line for each; with scripts of the page allowed to finish. */
export async function violations(page) {
  // The policy of the pages allows no script of ours: the debugger may.
  await page.evaluate(axe);
  const found = await page.evaluate(async (tags) => (await globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } })).violations, RULES);
  return found.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target.join(" ")}: ${failureSummary.split("\n").slice(1, 3).join(" ")}`));
}

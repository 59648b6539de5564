// Breaking out through what Markdown itself writes: titles, names, languages, labels, properties, formulas, embeddings.

const BREAK = '"><img src=x onerror=RUN>';

export const inlines = [
  ["link_title", `[x](/a "${BREAK.replaceAll('"', '\\"')}") [x](/a '${BREAK}') [x](/a (\\"><img src=x onerror=RUN>))`],
  ["link_title_handler", "[x](/a '\" onmouseover=RUN x=\"') [x](/a 'a\"onclick=\"RUN')"],
  ["link_address", "[x](</a\" onmouseover=RUN x=\">) [x](/a\"onclick=RUN//) [x](/a'onclick='RUN)"],
  ["link_text", `[${BREAK}](/a) [<script>RUN</script>](/a) [</a><img src=x onerror=RUN>](/a)`],
  ["image_alt", `![${BREAK}](/a.png) ![" onerror="RUN](/missing.png) ![x" onload='RUN](/a.png)`],
  ["image_title", `![x](/a.png "\\"><img src=x onerror=RUN>") ![x](/a.png '" onerror=RUN ')`],
  ["image_address", "![x](</missing.png\" onerror=RUN x=\">) ![x](/missing.png\"onerror=\"RUN)"],
  ["reference", `[x][a"b]\n\n[a"b]: </a" onclick=RUN> '"><script>RUN</script>'`],
  ["reference_label", `[<script>RUN</script>]\n\n[<script>RUN</script>]: /a`],
  ["autolink", '<https://example.org/"onmouseover="RUN> <https://example.org/\'><script>RUN</script>>'],
  ["wikilink", `[[${BREAK}]] [[<script>RUN</script>]] [[a" onclick="RUN]]`],
  ["wikilink_title", `[[${BREAK}|Marked]] [[<script>RUN</script>|Marked]] [[a" onclick="RUN|Marked]]`],
  ["wikilink_target", `[[x|${BREAK}]] [[x|<script>RUN</script>]] [[x|a" onclick="RUN]] [[x|']]`],
  ["wikilink_anchor", `[[Marked#${BREAK}]] [[x|Marked#" onclick="RUN]]`],
  ["code", "`<img src=x onerror=RUN>` ``\"><script>RUN</script>`` <code>`<img src=x onerror=RUN>`</code>"],
  ["emphasis", "*<img src=x onerror=RUN>* **\"onclick=RUN** ==<script>RUN</script>== ~~<script>RUN</script>~~"],
  ["crossed", "**a <b onclick=RUN>** </b> *<i title=\"* onclick=RUN\">*"],
  ["entity", "&quot;&gt;&lt;img src=x onerror=RUN&gt; &lt;script&gt;RUN&lt;/script&gt; &#34;&#62;&#60;script&#62;RUN"],
  ["break_line", "<img src=x  \nonerror=RUN> <img src=x\\\nonerror=RUN>"],
  ["abbreviation", 'HTML and CSS\n\n*[HTML]: "><script>RUN</script>\n*[CSS]: " onmouseover="RUN'],
  ["abbreviation_key", `A"B <img src=x onerror=RUN>\n\n*[A"B]: x\n*[<img src=x onerror=RUN>]: x`],
  ["footnote", 'x[^NAME]\n\n[^NAME]: "><img src=x onerror=RUN> <script>RUN</script>'],
  ["footnote_label", 'x[^"><img/src=x/onerror=RUN>] y[^a"onclick=RUN]\n\n[^"><img/src=x/onerror=RUN>]: n\n[^a"onclick=RUN]: n'],
  ["formula", "$<script>RUN</script>$ $\"><img src=x onerror=RUN>$ `$<img src=x onerror=RUN>$`"],
  ["formula_text", "$\\text{<img src=x onerror=RUN>}$ $\\text{</math><script>RUN</script>}$ $\\mathrm{\"><script>RUN</script>}$"],
  ["formula_link", "$\\href{javascript:RUN}{x}$ $\\url{javascript:RUN}$ $\\includegraphics{javascript:RUN}$ $\\htmlData{x=RUN}{y}$"],
  ["formula_class", '$\\class{" onclick="RUN}{x}$ $\\cssId{" onclick="RUN}{x}$ $\\style{" onclick="RUN}{x}$ $\\color{red" onclick="RUN}x$'],
  ["formula_operators", "$a<img src=x onerror=RUN>b$ $<mi onclick=\"RUN\">$ $<mi>x</mi>$ $</math>$ $\\unicode{x3c}script\\unicode{x3e}RUN$"],
  ["formula_elements", "$<math></math>$ $<mtext><mglyph>$ $<mi style=\"background:url(//evil.test/m)\">x</mi>$ $\\operatorname{<annotation-xml>}$"],
  ["formula_error", "$\\nosuch{\"><img src=x onerror=RUN>}$ $\\begin{\"><script>RUN</script>}$ $\\frac{<img src=x onerror=RUN>$"],
];

export const blocks = [
  ["heading", '# "><script>RUN</script>\n\n## <img src=x onerror=RUN>\n\n### " onclick="RUN'],
  ["heading_id", "# x {#\"><script>RUN</script>} {onclick=RUN}\n\n<h2 id='\"><img src=x onerror=RUN>'>x</h2>"],
  ["heading_setext", "<img src=x onerror=RUN>\n===\n\n<script>RUN</script>\n---"],
  ["heading_contents", "# </a></li></ul></nav></aside><img src=x onerror=RUN>\n\n## &lt;img src=x onerror=RUN&gt;\n\n## `<img src=x onerror=RUN>`"],
  ["fence_language", "```\"><script>RUN</script>\nx\n```\n\n```<img src=x onerror=RUN>\nx\n```\n\n```\" onclick=\"RUN\nx\n```"],
  ["fence_class", "```python\" onmouseover=\"RUN\nx\n```\n\n~~~html class=\"\" onclick=RUN\n<script>RUN</script>\n~~~"],
  ["fence_title", "```python title=\"<img src=x onerror=RUN>\"\nx\n```\n\n```nosuch {1} title=\"'><script>RUN</script>\"\nx\n```"],
  ["fence_lines", "```python=1\"><script>RUN</script>\nx\n```\n\n```python {<img src=x onerror=RUN>}\nx\n```\n\n```python=<script>RUN</script>\nx\n```"],
  ["fence_text", "```\n</code></pre><script>RUN</script>\n```\n\n```html\n</pre></div><img src=x onerror=RUN>\n```\n\n```nosuch=3\n</pre><img src=x onerror=RUN>\n```"],
  ["fence_coloured", "```javascript\nx = `</pre><script>RUN</script>`; // </pre><img src=x onerror=RUN>\n```\n\n```html\n<script>RUN</script><!-- <img src=x onerror=RUN>\n```\n\n```diff\n+<img src=x onerror=RUN>\n```"],
  ["indented", "x\n\n    </pre><script>RUN</script>\n    <img src=x onerror=RUN>"],
  ["table", `| <script>RUN</script> | "><img src=x onerror=RUN> |\n|---|:-:|\n| <img src=x onerror=RUN> | \`<script>RUN</script>\` |\n| </td></table><img src=x onerror=RUN> | \\|<script>RUN</script> |`],
  ["table_alignment", '| a | b |\n|:-" onclick="RUN|--:|\n| x | y |\n\n| a |\n|:<script>RUN</script>:|\n| x |'],
  ["list", "- [ ] <img src=x onerror=RUN>\n- [x] <script>RUN</script>\n- [\"><img src=x onerror=RUN>] x\n1. <b onclick=RUN>x</b>"],
  ["quote", "> <div onclick=RUN>\n\n> <img src=x\n> onerror=RUN>"],
  ["spoiler", '>! <script>RUN</script>\n>! "><img src=x onerror=RUN>\n>! </div></div><img src=x onerror=RUN>'],
  ["fold", '>| # <script>RUN</script>\n>| "><img src=x onerror=RUN>\n\n>| # </summary></details><img src=x onerror=RUN>\n>| x'],
  ["alert", '> [!NOTE] "><script>RUN</script>\n> <img src=x onerror=RUN>\n\n> [!<script>RUN</script>]\n> x\n\n> [!NOTE" onclick="RUN]\n> x'],
  ["box", '::: "><script>RUN</script>\n# <img src=x onerror=RUN>\n:::\n\n::: info" onclick="RUN\nx\n:::\n\n::: a\'><img src=x onerror=RUN>\nx\n:::'],
  ["box_end", "::: info\n</div></div></article><img src=x onerror=RUN>\n:::"],
  ["diagram", "```mermaid\ngraph TD\nA[\"<img src=x onerror=RUN>\"] --> B\nclick A href \"javascript:RUN\"\nclick B call RUN\n</pre><script>RUN</script>\n```"],
  ["diagram_settings", "```mermaid\n%%{init: {\"securityLevel\": \"loose\", \"theme\": \"<img src=x onerror=RUN>\", \"htmlLabels\": true}}%%\ngraph LR\nA-->|\"<iframe src=javascript:RUN>\"|B\n```"],
  ["diagram_language", "```mermaid\"><script>RUN</script>\ngraph TD\n```\n\n```mermaid title=\"<img src=x onerror=RUN>\"\nx\n```"],
  ["formula_block", "$$\n</math><script>RUN</script>\n$$\n\n$$<img src=x onerror=RUN>$$\n\n$$ a \\text{\"><img src=x onerror=RUN>} $$"],
  ["formula_fence", "```math\n<img src=x onerror=RUN>\n\\text{</math><script>RUN</script>}\n```\n\n```math\"><script>RUN</script>\nx\n```"],
  ["formula_tag", "$$ a \\tag{<img src=x onerror=RUN>} \\label{\"><script>RUN</script>} $$"],
  ["definition", '*[x]: <script>RUN</script>\n\n[a]: javascript:RUN "<script>RUN</script>"\n\n[^b]: <script>RUN</script>\n\n[a] x'],
  ["separators", "--- <script>RUN</script>\n\n*** <img src=x onerror=RUN>\n\n:::\n\n>!\n\n>|\n\n> [!NOTE]"],
];

export const properties = [
  ["title", '---\ntitle: "<script>RUN</script>"\n---\nx'],
  ["title_break", '---\ntitle: \'"></title></h1><img src=x onerror=RUN>\'\n---\nx'],
  ["title_block", "---\ntitle: |\n  <img src=x onerror=RUN>\n  </title><script>RUN</script>\n---\nx"],
  ["title_list", '---\ntitle: ["<script>RUN</script>", {a: "<img src=x onerror=RUN>"}]\n---\nx'],
  ["keys", '---\n"<script>RUN</script>": x\nb: "<img src=x onerror=RUN>"\n\'"><img src=x onerror=RUN>\': {"<script>RUN</script>": ["<script>RUN</script>"]}\n---\nx'],
  ["description", '---\ntitle: x\ndescription: \'"><script>RUN</script>\'\nimage: "javascript:RUN"\ncanonical: "javascript:RUN"\nlang: \'"><script>RUN</script>\'\n---\nx'],
  ["tags", '---\ntitle: !!js/function "function(){RUN}"\na: !!python/object/apply:os.system ["x"]\nb: !<img src=x onerror=RUN> x\n---\nx'],
  ["anchors", '---\na: &x "<script>RUN</script>"\nb: *x\n<<: *x\ntitle: *x\n---\nx'],
  ["broken", '---\ntitle: "<script>RUN</script>\n  - <img src=x onerror=RUN>\n: : :\n---\nx'],
  ["unfinished", "---\ntitle: <script>RUN</script>\n\n<img src=x onerror=RUN>"],
  ["comment", "---\n# <script>RUN</script>\ntitle: x # <img src=x onerror=RUN>\n---\nx"],
  ["second", "---\ntitle: a\n---\n---\ntitle: <script>RUN</script>\n---\nx"],
];

const OPTIONS = ["caption", "width", "float", "position", "pos", "text-align", "align", "style", "src", "alt", "content", "height", "filter", "format", "fmt", "icons", "toc", "toggle", "section", "children", "heading", "delimiter", "quotechar", "header", "columns", "headers", "perPage", "searchable", "controls", "muted", "loop", "autoplay"];
const NAMES = ["InfoBox", "ImageFrame", "Figure", "Video", "DataTable", "Include", "AttachmentList", "PageIndex"];
const VALUES = [
  ["break", '"><img src=x onerror=RUN>'],
  ["handler", '" onclick="RUN" onmouseover=RUN x="'],
  ["scheme", "javascript:RUN"],
  ["style", "100%;position:fixed;inset:0;background:url(https://evil.test/e);behavior:url(x)"],
];
export const embeddings = [
  // Every option of every embedding with every value, the same values as content and as an option nobody knows; and again with a source that is fine.
  ...NAMES.flatMap((name) => VALUES.map(([kind, value]) => [`${name}_${kind}`, [
    `{{${name}\n${OPTIONS.map((option) => `|${option}=${value}`).join("\n")}\n|${value.replaceAll("=", "\\=")}=${value}\n${value}\n}}`,
    `{{${name}\n|src=${["ImageFrame", "Video"].includes(name) ? "picture.png" : "Marked"}\n${OPTIONS.filter((option) => option !== "src").map((option) => `|${option}=${value}`).join("\n")}\n\n| a |\n|---|\n| ${value} |\n}}`,
    `{{${name}|${value}}}`,
  ].join("\n\n")])),
  ["name", "{{<script>RUN</script>}} {{x}}\n\n{{Nosuch <img src=x onerror=RUN>}}\n\n{{Nosuch\n|a=<script>RUN</script>\n<img src=x onerror=RUN>\n}}"],
  ["video_tube", '{{Video|src=https://www.youtube.com/watch?v=a"%20onload="RUN}}\n\n{{Video|src=https://youtu.be/a" onload="RUN}}\n\n{{Video|https://youtube.com/embed/"><script>RUN</script>}}'],
  ["video_sources", "{{Video\njavascript:RUN\n\"><img src=x onerror=RUN>\ndata:text/html,<script>RUN</script>\n}}"],
  ["frame_source", '{{ImageFrame|src=https://picture.test/x" onerror="RUN}}\n\n{{ImageFrame|src=/Marked/"><script>RUN</script>}}\n\n{{ImageFrame|src=../../<img src=x onerror=RUN>}}'],
  ["include_error", "{{Include|src=<img src=x onerror=RUN>}}\n\n{{Include|src=Marked|section=<script>RUN</script>}}\n\n{{Include|src=../<script>RUN</script>}}"],
  ["include_hostile", "{{Include|src=Marked}}\n\n{{Include|src=Everything|section=<script>RUN</script>}}"],
  ["box_unclosed", "{{InfoBox\n|a=</table></div><script>RUN</script>\n<div onclick=RUN", "alone"],
  ["box_nested", "{{InfoBox\n|a={{InfoBox|b=<script>RUN</script>}}\n{{Video|src=javascript:RUN}}\n}}"],
];

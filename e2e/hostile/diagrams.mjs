// Diagrams that Mermaid can draw: what is written in them comes as far as its drawing, in the frame that has no origin, and into the picture.

const fence = (text) => `\`\`\`mermaid\n${text}\n\`\`\``;

export const diagrams = [
  ["label", fence('graph TD\nA["<img src=x onerror=RUN>"] --> B["<b onclick=RUN>x</b>"]')],
  ["label_entities", fence('graph TD\nA["#lt;img src=x onerror=RUN#gt;"] --> B["&lt;img src=x onerror=RUN&gt;"]')],
  ["label_markdown", fence('graph TD\nA["`**<img src=x onerror=RUN>** [x](javascript:RUN)`"] --> B')],
  ["label_math", fence('graph TD\nA["$$\\href{javascript:RUN}{x}$$"] --> B["$$\\text{<img src=x onerror=RUN>}$$"]')],
  ["edge", fence('graph LR\nA -->|"<iframe srcdoc=\'<script>RUN</script>\'></iframe>"| B')],
  ["click_address", fence('graph TD\nA --> B\nclick A "javascript:RUN" "<img src=x onerror=RUN>"\nclick B href "data:text/html,<script>RUN</script>" _top')],
  ["click_call", fence("graph TD\nA --> B\nclick A call alert(1)\nclick B alert")],
  ["style", fence('graph TD\nA --> B\nstyle A fill:url(https://evil.test/fill),stroke:#f00\nclassDef x fill:red,background:url(https://evil.test/class)\nclass B x')],
  ["settings_css", fence('%%{init: {"themeCSS": "* { background: url(https://evil.test/css) } </style><img src=x onerror=RUN>"}}%%\ngraph TD\nA --> B')],
  ["settings_font", fence('%%{init: {"fontFamily": "x</style><img src=x onerror=RUN>", "themeVariables": {"primaryColor": "red}</style><img src=x onerror=RUN>"}}}%%\ngraph TD\nA --> B')],
  ["settings_loose", fence('%%{init: {"securityLevel": "loose", "htmlLabels": true, "flowchart": {"htmlLabels": true}}}%%\ngraph TD\nA["<img src=x onerror=RUN>"] --> B\nclick A call alert(1)')],
  ["settings_sandbox", fence('%%{init: {"securityLevel": "sandbox", "secure": [], "dompurifyConfig": {"ADD_TAGS": ["script"], "ADD_ATTR": ["onerror"]}}}%%\ngraph TD\nA["<img src=x onerror=RUN><script>RUN</script>"] --> B')],
  ["settings_front", fence('---\ntitle: "<img src=x onerror=RUN>"\nconfig:\n  securityLevel: loose\n  htmlLabels: true\n---\ngraph TD\nA["<img src=x onerror=RUN>"] --> B')],
  ["prototype", fence('%%{init: {"__proto__": {"securityLevel": "loose"}, "constructor": {"prototype": {"securityLevel": "loose"}}}}%%\ngraph TD\nA["<img src=x onerror=RUN>"] --> B')],
  ["sequence", fence('sequenceDiagram\nparticipant A as <img src=x onerror=RUN>\nlink A: x @ javascript:RUN\nA->>A: <script>RUN</script><img src=x onerror=RUN>\nNote over A: <img src=x onerror=RUN>')],
  ["gantt", fence('gantt\ntitle <img src=x onerror=RUN>\nsection <img src=x onerror=RUN>\nT <img src=x onerror=RUN> :t1, 2020-01-01, 1d\nclick t1 href "javascript:RUN"')],
  ["class", fence('classDiagram\nclass A["<img src=x onerror=RUN>"]\nA : +x() RUN\nlink A "javascript:RUN" "<img src=x onerror=RUN>"')],
  ["state", fence('stateDiagram-v2\nstate "<img src=x onerror=RUN>" as A\nA --> B : <script>RUN</script>\nnote right of A : <img src=x onerror=RUN>')],
  ["pie", fence('pie title <img src=x onerror=RUN>\n"<img src=x onerror=RUN>" : 1\n"</text></svg><script>RUN</script>" : 2')],
  ["mindmap", fence("mindmap\nroot((x))\n  a[\"<img src=x onerror=RUN>\"]\n  b\n  ::icon(x onclick=RUN)")],
  ["kind", fence("graph TD\n%% <img src=x onerror=RUN>\nA[\"</svg><script>RUN</script>\"] --> B[\"]]><img src=x onerror=RUN>\"]")],
  ["not_one", fence("<img src=x onerror=RUN>")],
];

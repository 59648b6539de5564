//! F2: any text as raw HTML, in a block and in a line, and what was rendered once as raw HTML again.
#![no_main]

#[path = "../../crates/markdown/tests/it/invariants.rs"]
mod invariants;

use holt_markdown::{Context, render};

libfuzzer_sys::fuzz_target!(|html: &str| {
    let block = format!("<div>{html}");
    invariants::hold(&block);
    invariants::hold(&format!("a <b>{html}</b> c"));
    let once = render(&block, &Context::default()).html.into_string();
    invariants::judge(render(&format!("<div>{once}</div>"), &Context::default()).html.as_str()).expect("rendered twice");
});

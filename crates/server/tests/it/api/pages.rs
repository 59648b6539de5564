//! Pages read, written, edited and deleted.

use super::{Api, Names};
use serde_json::{Value, json};

#[test]
fn cases_3_to_5_create() {
    let api = Api::start(Names::Folded);
    let said = api.send("PUT", "/pages/test-page", &json!({"content": "Hello world"}));
    assert_eq!((said.status, said.text("path"), said.body["created"].as_bool()), (201, "Test-Page".into(), Some(true)));
    assert!(said.text("revision").len() == 40 && said.text("name") == "Test-Page");
    assert_eq!(said.answer.header("etag"), Some(format!("\"{}\"", said.text("revision")).as_str()));
    let said = api.send("PUT", "/pages/titled", &json!({"content": "---\ntitle: My Page\n---\nx"}));
    assert_eq!(said.text("name"), "My Page");
    let said = api.send("PUT", "/pages/x", &json!({}));
    assert!(said.refused(422, "validation").text("error").contains("content"));
    api.ask("PUT", "/api/v1/pages/x", &[], b"").refused(422, "validation");
    assert_eq!(api.get("/pages/x").status, 404);
}

#[test]
fn cases_6_and_7_update_needs_the_revision() {
    let api = Api::start(Names::Folded);
    let first = api.create("p", "one\n");
    for body in [json!({"content": "two"}), json!({"content": "two", "revision": ""})] {
        let said = api.send("PUT", "/pages/p", &body);
        assert!(said.refused(409, "revision_required").text("error").to_lowercase().contains("revision required"));
        assert_eq!(said.body["current_revision"], Value::Null);
    }
    assert!(api.update("p", "abc", "two").refused(422, "validation").text("error").contains("at least 7"));
    let said = api.update("p", &"0".repeat(40), "two");
    assert_eq!(said.refused(409, "revision_mismatch").text("current_revision"), first);
    let said = api.update("p", &first[..7], "two\n");
    assert_eq!((said.status, said.body["created"].as_bool()), (200, Some(false)), "{}", said.body);
    // The same again changes nothing and makes no commit.
    let again = api.update("p", &said.text("revision"), "two\n");
    assert_eq!((again.status, again.text("revision")), (200, said.text("revision")));
    assert_eq!(api.get("/pages/p/history").body["history"].as_array().unwrap().len(), 2);
    // Since the read it was deleted: not created again by surprise.
    assert_eq!(api.send("DELETE", "/pages/p", &json!({})).status, 200);
    api.update("p", &said.text("revision"), "three").refused(409, "not_found");
}

#[test]
fn cases_8_to_10_read() {
    let api = Api::start(Names::Folded);
    let first = api.create("p", "---\ntags: [a, b]\ndate: 2026-11-21\n---\nText");
    let page = api.get("/pages/p");
    assert!(page.text("content").starts_with("---"));
    assert_eq!(page.body["frontmatter"], json!({"tags": ["a", "b"], "date": "2026-11-21"}));
    assert_eq!((page.text("revision"), page.body["last_commit"]["revision"].as_str()), (first.clone(), Some(first.as_str())));
    assert_eq!((page.body["last_commit"]["author"].as_str(), page.text("path")), (Some("Ann"), "P".into()));
    api.get("/pages/does-not-exist").refused(404, "not_found");
    assert_eq!(api.update("p", &first, "new").status, 200);
    let old = api.get(&format!("/pages/p?revision={first}"));
    assert!(old.text("content").starts_with("---") && old.text("revision") == first);
    for unknown in ["0000000", "HEAD", "--all", "x y"] {
        api.get(&format!("/pages/p?revision={}", unknown.replace(' ', "+"))).refused(404, "not_found");
    }
    assert_eq!(api.get("/pages//p.md/").text("content"), "new");
}

#[test]
fn cases_11_and_12_patch() {
    let api = Api::start(Names::Folded);
    let first = api.create("p", "---\ntitle: Old\n---\nA fox and a fox. End.\n");
    let patch = |revision: &str, old: &str, new: &str| {
        api.send("PATCH", "/pages/p", &json!({"revision": revision, "old_string": old, "new_string": new}))
    };
    let said = patch(&first, "title: Old", "title: New");
    assert!(said.status == 200 && said.text("revision") != first && said.text("name") == "New", "{}", said.body);
    let second = said.text("revision");
    let said = patch(&second[..10], " End.", "");
    assert_eq!(api.get("/pages/p").text("content"), "---\ntitle: New\n---\nA fox and a fox.\n");
    let third = said.text("revision");
    patch(&third, "x", "x").refused(422, "validation");
    patch(&third, "", "x").refused(422, "validation");
    assert!(patch(&third, "fox", "x").refused(422, "ambiguous_match").text("error").contains('2'));
    assert!(patch(&third, "cat", "x").refused(422, "no_match").text("error").contains("not found"));
    let said = api.send("PATCH", "/pages/p", &json!({"revision": third, "old_string": "x"}));
    assert_eq!(said.refused(422, "validation").text("field"), "new_string");
    let said = api.send("PATCH", "/pages/p", &json!({"old_string": "x", "new_string": "y"}));
    assert_eq!(said.refused(422, "validation").text("field"), "revision");
    assert_eq!(patch(&first, "title: Old", "title: X").refused(409, "revision_mismatch").text("current_revision"), third);
    patch(&"0".repeat(40), "fox.", "x").refused(409, "revision_mismatch");
    let body = json!({"revision": third, "old_string": "a", "new_string": "b"});
    api.send("PATCH", "/pages/nowhere", &body).refused(404, "not_found");
}

#[test]
fn case_13_delete() {
    let api = Api::start(Names::Folded);
    let first = api.create("p", "x");
    api.create("p/below", "stays");
    let file = json!({"filename": "a.txt", "content": "eA=="});
    assert_eq!(api.send("POST", "/pages/p/attachments", &file).status, 201);
    api.send("DELETE", "/pages/p", &json!({"revision": "0000000"})).refused(409, "revision_mismatch");
    let said = api.send("DELETE", "/pages/p", &json!({"revision": first, "commit_message": "Gone"}));
    assert_eq!((said.status, said.body["deleted"].as_bool(), said.text("path")), (200, Some(true), "P".into()));
    api.get("/pages/p").refused(404, "not_found");
    api.send("DELETE", "/pages/p", &json!({})).refused(404, "not_found");
    // Its files went with it in the same commit; pages below did not.
    let log = api.get("/changelog?limit=1");
    assert_eq!(log.body["entries"][0]["attachments_affected"], json!(["p/a.txt"]));
    assert_eq!(api.get("/pages/p/below").status, 200);
    assert_eq!(api.get("/pages/p/history").body["deleted"], json!(true));
}

#[test]
fn case_32_and_merging() {
    let api = Api::start(Names::Folded);
    let base = api.create("p", "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
    let statuses: Vec<u16> = std::thread::scope(|threads| {
        let put = |text: &'static str| threads.spawn(|| api.update("p", &base, text).status);
        let (a, b) = (put("ONE\ntwo\nthree\nfour\nfive\nsix\nseven\n"), put("Eins\ntwo\nthree\nfour\nfive\nsix\nseven\n"));
        [a, b].map(|thread| thread.join().unwrap()).into()
    });
    let mut sorted = statuses.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [200, 409]);
    // What does not touch is merged, and says so.
    let said = api.update("p", &base, "one\ntwo\nthree\nfour\nfive\nsix\nSEVEN\n");
    assert_eq!((said.status, said.body["merged"].as_bool()), (200, Some(true)), "{}", said.body);
    let now = api.get("/pages/p");
    assert!(now.text("content").ends_with("SEVEN\n") && !now.text("content").starts_with("one"));
    assert_eq!(now.text("revision"), said.text("revision"));
    let said = api.send("PATCH", "/pages/p", &json!({"revision": base, "old_string": "four", "new_string": "FOUR"}));
    assert_eq!((said.status, said.body["merged"].as_bool()), (200, Some(true)), "{}", said.body);
}

#[test]
fn if_match_is_strict() {
    let api = Api::start(Names::Folded);
    let put = |name: &str, value: &str, text: &str| {
        let headers = [("Content-Type", "application/json"), (name, value)];
        api.ask("PUT", "/api/v1/pages/p", &headers, json!({"content": text}).to_string().as_bytes())
    };
    put("If-Match", "\"0000000\"", "x").refused(412, "not_found");
    let first = put("If-None-Match", "*", "one\n");
    assert_eq!(first.status, 201, "{}", first.body);
    put("If-None-Match", "*", "two\n").refused(412, "revision_mismatch");
    let tag = format!("\"{}\"", first.text("revision"));
    assert_eq!(put("If-Match", &tag, "two\n").status, 200);
    let now = api.get("/pages/p").text("revision");
    for stale in [tag.clone(), format!("W/\"{now}\"")] {
        assert_eq!(put("If-Match", &stale, "three\n").refused(412, "revision_mismatch").text("current_revision"), now);
    }
    for bad in ["abc", "\"abc\"", "\"--all x\"", ""] {
        assert_eq!(put("If-Match", bad, "x").refused(400, "validation").text("field"), "If-Match");
    }
    assert_eq!(put("If-Match", "*", "four\n").status, 200);
    let body = json!({"old_string": "four", "new_string": "5"}).to_string();
    let patch =
        |tag: &str| api.ask("PATCH", "/api/v1/pages/p", &[("Content-Type", "application/json"), ("If-Match", tag)], body.as_bytes());
    patch(&tag).refused(412, "revision_mismatch");
    let now = api.get("/pages/p");
    assert_eq!(patch(now.answer.header("etag").unwrap()).status, 200);
    api.ask("DELETE", "/api/v1/pages/p", &[("If-Match", &tag)], b"").refused(412, "revision_mismatch");
    assert_eq!(api.get("/pages/p").text("content"), "5\n");
}

#[test]
fn reading_says_what_is_new_only() {
    let api = Api::start(Names::Folded);
    api.create("p", "# A\nx\n## B\ny\n# C\nz\n");
    let tag = api.get("/pages/p").answer.header("etag").unwrap().to_string();
    let said = api.ask("GET", "/api/v1/pages/p", &[("If-None-Match", &tag)], b"");
    // JSON that a cache kept is no answer to who wants Markdown, or to somebody else.
    for answer in [&said.answer, &api.get("/pages/p").answer, &api.get("/pages/p?format=raw").answer] {
        assert_eq!(answer.header("vary"), Some("accept, authorization, cookie"));
    }
    assert_eq!((said.status, said.answer.body.len(), said.answer.header("etag")), (304, 0, Some(tag.as_str())));
    assert_eq!(api.ask("GET", "/api/v1/pages/p", &[("If-None-Match", "\"0\"")], b"").status, 200);
    for raw in [api.get("/pages/p?format=raw"), api.ask("GET", "/api/v1/pages/p", &[("Accept", "text/markdown")], b"")] {
        assert_eq!(raw.answer.header("content-type"), Some("text/markdown; charset=utf-8"));
        assert_eq!(raw.answer.body_text(), "# A\nx\n## B\ny\n# C\nz\n");
    }
    assert_eq!(api.ask("HEAD", "/api/v1/pages/p", &[], b"").answer.body.len(), 0);
}

#[test]
fn sections_are_read_and_written() {
    let api = Api::start(Names::Folded);
    let first = api.create("p", "# A\nx\n## B\ny\n# C\n## B\nz\n");
    assert_eq!(api.get("/pages/p?section=a").text("content"), "# A\nx\n## B\ny\n");
    assert_eq!(api.get("/pages/p?section=C+%3E+B&format=raw").answer.body_text(), "## B\nz\n");
    let said = api.get("/pages/p?section=b");
    assert_eq!(said.refused(422, "ambiguous_match").texts("sections"), ["A > B", "C > B"]);
    assert_eq!(api.get("/pages/p?section=no").refused(404, "no_match").texts("sections").len(), 4);
    let said = api.send("PATCH", "/pages/p", &json!({"revision": first, "section": "A > B", "content": "## B\nnew"}));
    assert_eq!(said.status, 200, "{}", said.body);
    assert_eq!(api.get("/pages/p").text("content"), "# A\nx\n## B\nnew\n# C\n## B\nz\n");
}

#[test]
fn case_35_names_are_kept() {
    let api = Api::start(Names::Kept);
    let said = api.send("PUT", "/pages/Actors/Iran", &json!({"content": "x"}));
    assert_eq!((said.status, said.text("path")), (201, "Actors/Iran".into()));
    // Otherwise than in the specification: one page has one key (DESIGN §6), so that the other spelling is this page and no second one.
    assert_eq!(api.get("/pages/actors/iran").text("path"), "Actors/Iran");
    api.send("PUT", "/pages/actors/iran", &json!({"content": "y"})).refused(409, "revision_required");
}

#[test]
fn case_36_frontmatter_that_is_none() {
    let api = Api::start(Names::Folded);
    api.create("crlf", "---\r\ntitle: T\r\n---\r\nBody");
    let said = api.get("/pages/crlf");
    assert_eq!((said.body["frontmatter"].clone(), said.text("name")), (json!({"title": "T"}), "T".into()));
    api.create("list", "---\n- a\n- b\n---\nBody");
    let said = api.get("/pages/list");
    assert_eq!((said.body["frontmatter"].clone(), said.text("name")), (Value::Null, "List".into()));
    assert_eq!(api.get("/pages?prefix=list").body["pages"][0]["content_length"], 7);
}

#[test]
fn several_pages_in_one_commit_or_none() {
    let api = Api::start(Names::Folded);
    let (a, b) = (api.create("a", "one\n"), api.create("b", "two\n"));
    let commit = |operations: Value| api.send("POST", "/commits", &json!({"message": "All", "operations": operations}));
    let ops = json!([
        {"op": "put", "path": "c", "content": "new\n"},
        {"op": "patch", "path": "a", "old_string": "one", "new_string": "1", "revision": a},
        {"op": "delete", "path": "b", "revision": "0000000"},
    ]);
    commit(ops.clone()).refused(409, "revision_mismatch");
    let mut bad = ops.clone();
    bad[2] = json!({"op": "patch", "path": "b", "old_string": "none", "new_string": "x"});
    commit(bad).refused(422, "validation");
    assert_eq!((api.get("/pages/c").status, api.get("/pages/a").text("content")), (404, "one\n".into()));
    let mut good = ops;
    good[2]["revision"] = b.into();
    let said = commit(good);
    assert_eq!((said.status, said.texts("paths")), (200, vec!["C".into(), "A".into(), "B".into()]), "{}", said.body);
    for (page, status) in [("a", 200), ("b", 404), ("c", 200)] {
        assert_eq!(api.get(&format!("/pages/{page}")).status, status);
    }
    assert_eq!(api.get("/pages/a").text("revision"), said.text("revision"));
    commit(json!([{"op": "put", "path": "a", "content": "x"}])).refused(409, "revision_required");
    let twice = json!([{"op": "put", "path": "d", "content": "x"}, {"op": "put", "path": "D", "content": "y"}]);
    commit(twice).refused(422, "validation");
    let field = commit(json!([{"op": "move", "path": "a"}])).refused(422, "validation").text("field");
    assert_eq!(field, "operations[0].op");
    let said = api.send("POST", "/pages:batchGet", &json!({"paths": ["a", "nowhere", "C"]}));
    assert_eq!((said.column("pages", "path"), said.texts("missing")), (vec!["A".into(), "C".into()], vec!["nowhere".into()]));
}

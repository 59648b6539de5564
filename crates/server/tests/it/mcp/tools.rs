//! The sixteen tools and their texts, and those that change things besides.

use super::Mcp;
use super::listening::push;
use serde_json::json;

/// Case 7 and 8.
#[test]
fn cases_7_and_8_a_page_is_read_with_all_that_belongs_to_it() {
    let mcp = Mcp::start();
    let text =
        "---\ntitle: Iran\ncategory: actor\ntags: [state, gulf]\nempty: \nlast_seen: 2026-01-02\n---\n# Iran\n\nSee [[Topics/Oil]].\n";
    let revision = mcp.write("Actors/Iran", text);
    mcp.write("Home", "[[Actors/Iran]]");
    let told = mcp.good("read_note", json!({"path": "Actors/Iran"}));
    let expected = format!(
        "# Iran\nPath: Actors/Iran\nRevision: {revision}\nCategory: actor | Last Seen: 2026-01-02 | Tags: state, gulf\n\
         Links to: Topics/Oil\nLinked from: Home\n\n---\n{text}"
    );
    assert_eq!(told.undated(), expected);
    assert_eq!((told.revision(), &told.structured["linked_from"]), (revision, &json!(["Home"])));
    assert_eq!(told.content[1]["uri"], "wiki://docs/pages/Topics/Oil");
    let missing = mcp.bad("read_note", json!({"path": "Nowhere"}), "not_found");
    assert!(missing.text.starts_with("Page not found") && missing.text.contains("write_note") && missing.text.contains("list_notes"));
}

/// Case 11.
#[test]
fn case_11_pages_are_written_over_only_by_who_has_read_them() {
    let mcp = Mcp::start();
    let told = mcp.good("write_note", json!({"path": "Page", "content": "one\n"}));
    let first = told.revision();
    assert_eq!(told.text, format!("Created Page (revision: {first})"));
    let conflict = mcp.bad("write_note", json!({"path": "Page", "content": "two\n"}), "revision_required");
    assert!(conflict.text.starts_with("Conflict"), "{}", conflict.text);
    let told = mcp.good("write_note", json!({"path": "Page", "content": "two\n", "revision": &first[..8]}));
    assert_eq!(told.text, format!("Updated Page (revision: {})", told.revision()));
    let stale = mcp.bad("write_note", json!({"path": "Page", "content": "three\n", "revision": first}), "revision_mismatch");
    assert!(stale.text.starts_with("Conflict") && stale.text.contains("Read again and retry"), "{}", stale.text);
    assert_eq!(stale.structured["error"]["current_revision"], told.structured["revision"]);
    let long = mcp.bad("write_note", json!({"path": "Long", "content": "x".repeat(1_000_001)}), "too_large");
    assert!(long.text.contains("1000001") && long.text.contains("1000000"), "{}", long.text);
    assert_eq!(mcp.good("list_notes", json!({})).structured["total"], 1);
}

/// Case 12.
#[test]
fn case_12_strings_are_replaced_where_it_is_clear_which() {
    let mcp = Mcp::start();
    let revision = mcp.write("Page", "red fish, blue fish\n\nend\n");
    let edit = |more: serde_json::Value| {
        let mut arguments = json!({"path": "Page", "revision": revision});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let twice = mcp.bad("edit_note", edit(json!({"old_string": "fish", "new_string": "cat"})), "ambiguous_match");
    assert!(twice.text.contains("ambiguous") && twice.structured["error"]["count"] == 2, "{}", twice.text);
    mcp.bad("edit_note", edit(json!({"old_string": "dog", "new_string": "cat"})), "no_match");
    mcp.bad("edit_note", edit(json!({"old_string": "red", "new_string": "red"})), "validation");
    mcp.bad(
        "edit_note",
        edit(json!({"edits": [{"old_string": "red", "new_string": "x"}], "old_string": "blue", "new_string": "y"})),
        "validation",
    );
    // All or none.
    let half = json!({"edits": [{"old_string": "red", "new_string": "x"}, {"old_string": "dog", "new_string": "y"}]});
    assert_eq!(mcp.bad("edit_note", edit(half), "no_match").structured["error"]["field"], "edits[1].old_string");
    let both = json!({"edits": [
        {"old_string": "fish", "new_string": "cat", "replace_all": true}, {"old_string": "red cat", "new_string": "red dog"},
    ]});
    let told = mcp.good("edit_note", edit(both));
    assert_eq!(told.text, format!("Edited Page (revision: {})", told.revision()));
    assert_eq!(mcp.good("read_note", json!({"path": "Page"})).structured["content"], "red dog, blue cat\n\nend\n");
    let stale = mcp.bad("edit_note", edit(json!({"old_string": "red fish, blue fish", "new_string": "z"})), "revision_mismatch");
    assert!(stale.text.starts_with("Conflict") && stale.text.contains("Read again"), "{}", stale.text);
}

/// Cases 13, 14 and 15.
#[test]
fn cases_13_and_14_lists_searches_and_histories_have_their_words() {
    let mcp = Mcp::start();
    mcp.write("Actors/Iran", "---\ncategory: actor\ntags: [state]\n---\nA missile test.\n");
    let mut revision = mcp.write("Other", "nothing here\n");
    let list = mcp.good("list_notes", json!({"category": "actor"}));
    let day = list.structured["pages"][0]["last_updated"].as_str().unwrap();
    assert_eq!(
        list.text,
        format!("Found 1 notes matching category=actor:\n- Actors/Iran (category: actor, tags: state, updated: {day}, 3 words)")
    );
    assert_eq!(mcp.good("list_notes", json!({"category": "none", "prefix": "A"})).text, "Found 0 notes matching prefix=A, category=none:");
    assert!(
        mcp.good("list_notes", json!({"updated_since": "2001-01-01"})).text.starts_with("Found 2 notes matching updated since 2001-01-01:")
    );
    mcp.bad("list_notes", json!({"updated_since": "soon"}), "validation");
    let first = mcp.good("list_notes", json!({"limit": 1}));
    let next = first.structured["next_cursor"].clone();
    assert!(first.text.contains("cursor="), "{}", first.text);
    assert_eq!(mcp.good("list_notes", json!({"limit": 1, "cursor": next})).structured["pages"][0]["path"], "Other");
    mcp.bad("list_notes", json!({"limit": 1, "cursor": next, "tag": "x"}), "validation");

    let found = mcp.good("search_notes", json!({"query": "missile"}));
    assert!(found.text.starts_with("1 results for \"missile\":\n1. Actors/Iran (score: "), "{}", found.text);
    assert_eq!(found.content[1]["type"], "resource_link");
    let off = mcp.bad("semantic_search", json!({"query": "war", "n": 500, "max_chunks_per_page": 0}), "unavailable");
    assert_eq!(off.structured["error"]["asked"], json!({"query": "war", "n": 50, "max_chunks_per_page": 1}));
    mcp.bad("semantic_search", json!({"query": "war", "n": "many"}), "validation");

    for i in 0..3 {
        revision = mcp.good("write_note", json!({"path": "Other", "content": format!("{i}\n"), "revision": revision})).revision();
    }
    let history = mcp.good("get_history", json!({"path": "Other", "limit": 2}));
    assert!(history.text.starts_with(&format!("History for Other (2 revisions):\n- {} | ", &revision[..8])), "{}", history.text);
    assert!(history.text.contains(" | Ann\n  [mcp] Update: Other\n"), "{}", history.text);
    let rest = mcp.good("get_history", json!({"path": "Other", "limit": 1000, "cursor": history.structured["next_cursor"]}));
    assert_eq!(rest.structured["history"].as_array().unwrap().len(), 2);
    let recent = mcp.good("get_recent_changes", json!({"limit": 2}));
    assert!(
        recent.text.starts_with("2 recent changes:\n- ") && recent.text.contains(" | Ann | Other\n  [mcp] Update: Other"),
        "{}",
        recent.text
    );
    let next = mcp.good("get_recent_changes", json!({"limit": 2, "cursor": recent.structured["next_cursor"]}));
    assert_ne!(next.structured["entries"][0], recent.structured["entries"][0]);
    mcp.bad("get_history", json!({"path": "Nowhere"}), "not_found");
}

/// Case 15: never more than 200.
#[test]
fn case_15_histories_have_200_entries_at_most() {
    let mcp = Mcp::start();
    let operations =
        |i: usize| json!({"message": "m", "operations": [{"op": "put", "path": format!("P{}", i % 2), "content": format!("{i}\n")}]});
    for i in 0..2 {
        mcp.good("apply_changes", operations(i));
    }
    let mut base = mcp.good("get_wiki_info", json!({})).structured["revision"].clone();
    for i in 2..410 {
        let mut changes = operations(i);
        changes["base"] = base;
        base = mcp.good("apply_changes", changes).structured["revision"].clone();
    }
    assert_eq!(mcp.good("get_history", json!({"path": "P0", "limit": 1000})).structured["history"].as_array().unwrap().len(), 200);
    assert_eq!(mcp.good("get_recent_changes", json!({"limit": 1000})).structured["entries"].as_array().unwrap().len(), 200);
}

/// Case 16.
#[test]
fn case_16_links_follow_a_rename_in_one_commit() {
    let mcp = Mcp::start();
    mcp.write("Old", "x\n");
    mcp.write("Linker", "See [[Old]].\n");
    mcp.write("Taken", "x\n");
    let taken = mcp.bad("rename_note", json!({"path": "Old", "new_path": "Taken"}), "exists");
    assert!(taken.text.starts_with("Conflict"), "{}", taken.text);
    let told = mcp.good("rename_note", json!({"path": "Old", "new_path": "New"}));
    let revision = told.revision();
    assert_eq!(told.text, format!("Renamed Old -> New (revision: {revision})\nUpdated 1 backreferences:\n- Linker"));
    assert_eq!(mcp.good("read_note", json!({"path": "Linker"})).revision(), revision);
    let quiet = mcp.good("rename_note", json!({"path": "Taken", "new_path": "Free"}));
    assert!(quiet.text.ends_with("\nNo backreferences needed updating."), "{}", quiet.text);
    assert_eq!(mcp.good("delete_note", json!({"path": "Free"})).text, "Deleted Free");
    mcp.bad("delete_note", json!({"path": "Free"}), "not_found");
}

/// Case 17.
#[test]
fn case_17_orphans_links_wanted_pages_and_tags_are_found() {
    let mcp = Mcp::start();
    assert!(mcp.good("find_orphaned_notes", json!({})).text.starts_with("No orphaned notes found"));
    mcp.write("Home", "[[B]] [[Wanted]]\n");
    mcp.write("Zebra", "---\ntags: [animal]\n---\nx\n");
    mcp.write("B", "x\n");
    mcp.write("Ape", "---\ntags: [animal]\n---\n[[Wanted]]\n");
    let orphans = mcp.good("find_orphaned_notes", json!({}));
    assert_eq!(orphans.text, "Found 2 orphaned notes (no other page links to them):\n- Ape\n- Zebra");
    // A page that cannot be read as text keeps nobody from being found.
    push(&mcp, "Mole", b"\xff\xfe[[B]]\n");
    let orphans = mcp.good("find_orphaned_notes", json!({}));
    assert_eq!(orphans.structured["orphans"], json!(["Ape", "Mole", "Zebra"]));
    let links = mcp.good("get_links", json!({"path": "B"}));
    assert_eq!(links.text, "Links for B:\nLinks to (0):\n(none)\nLinked from (1):\n- Home");
    let missing = mcp.good("find_missing_pages", json!({}));
    assert_eq!(missing.text, "Found 1 pages that are linked to and do not exist:\n- Wanted (linked from Ape, Home)");
    assert_eq!(mcp.good("list_tags", json!({})).text, "1 tags:\n- animal (2 pages)");
}

#[test]
fn what_wants_care_is_told_in_parts_that_fit() {
    let mcp = Mcp::start();
    assert_eq!(mcp.good("wiki_care", json!({"kind": "secret"})).text, "Nothing wants care.");
    mcp.write("Home", "# Home\n\n[[Guide/Steup]] [[Wanted]]\n\n[[Guide/Setup]]\n");
    mcp.write("Guide/Setup", "---\nreview: 2001-02-03\n---\n# Setup\n\n[[Wanted]]\n\nx\n");
    let all = mcp.good("wiki_care", json!({}));
    let start = "6 findings (broken-link 3, stale 1, wanted 2):\n- Guide/Setup (broken-link, line 6): A link leads to Wanted, which is not there.\n\
- Home (broken-link, line 3): A link leads to Guide/Steup, which is not there. Mend: let it lead to Guide/Setup.\n";
    assert!(all.text.starts_with(start), "{}", all.text);
    assert!(all.text.contains("- Wanted (wanted): It does not exist, and 2 pages link to it. From: Guide/Setup, Home."), "{}", all.text);
    assert_eq!((&all.structured["total"], &all.structured["next_cursor"]), (&json!(6), &json!(null)));
    // As much as fits, and where it goes on.
    let (mut told, mut arguments) = (Vec::new(), json!({"max_tokens": 100}));
    loop {
        let part = mcp.good("wiki_care", arguments.clone());
        let paths = part.structured["findings"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap().to_string());
        told.push(paths.collect::<Vec<_>>());
        match part.structured["next_cursor"].as_str() {
            Some(next) => arguments["cursor"] = next.into(),
            None => break,
        }
    }
    assert!(told.len() > 1 && told.concat().len() == 6, "{told:?}");
    // A finding is mended by a proposal.
    let revision = mcp.good("read_note", json!({"path": "Home"})).structured["revision"].clone();
    let patch = json!({"op": "patch", "path": "Home", "old_string": "Steup", "new_string": "Setup", "revision": revision});
    let proposed = mcp.good("propose_changes", json!({"message": "Guide/Steup is Guide/Setup", "operations": [patch]}));
    assert!(proposed.text.contains("as #1"), "{}", proposed.text);
    mcp.bad("wiki_care", json!({"kind": "dust"}), "validation");
}

/// Case 18.
#[test]
fn case_18_files_go_round_and_bad_paths_go_nowhere() {
    let mcp = Mcp::start();
    mcp.write("Page", "x\n");
    assert_eq!(mcp.good("list_attachments", json!({"path": "Page"})).text, "Attachments for Page (0):\n(no attachments)");
    let told = mcp.good("upload_attachment", json!({"path": "Page", "filename": "a.txt", "content": "aGVsbG8="}));
    assert_eq!(told.text, "Uploaded a.txt to Page (5 bytes)");
    mcp.good("upload_attachment", json!({"path": "Page", "filename": "p.png", "content": "iVBORw0KGgo="}));
    mcp.good("upload_attachment", json!({"path": "Page", "filename": "x.bin", "content": "AAE="}));
    let list = mcp.good("list_attachments", json!({"path": "Page"}));
    assert!(list.text.starts_with("Attachments for Page (3):\n- a.txt (5 bytes, text/plain, modified "), "{}", list.text);
    let get = |name: &str| mcp.good("download_attachment", json!({"path": "Page", "filename": name})).content[1].clone();
    assert_eq!((&get("a.txt")["resource"]["text"], &get("p.png")["data"]), (&json!("hello"), &json!("iVBORw0KGgo=")));
    assert_eq!((&get("p.png")["type"], &get("x.bin")["resource"]["blob"]), (&json!("image"), &json!("AAE=")));
    assert_eq!(mcp.good("delete_attachment", json!({"path": "Page", "filename": "a.txt"})).text, "Deleted attachment a.txt");
    mcp.bad("download_attachment", json!({"path": "Page", "filename": "a.txt"}), "not_found");
    assert_eq!(mcp.api.get("/changelog").column("entries", "message")[0], "[mcp] Delete attachment: Page/a.txt");
    let pathy = ["read_note", "get_links", "get_history", "list_attachments", "delete_note", "list_sections"];
    for path in ["../../admin", "", "/etc/passwd", "a/../b", "a\u{0}b", ".git/config"] {
        for tool in pathy {
            let told = mcp.bad(tool, json!({"path": path}), "validation");
            assert!(told.text.starts_with("Invalid request"), "{tool} {path}: {}", told.text);
        }
    }
    mcp.bad("upload_attachment", json!({"path": "../../admin", "filename": "a", "content": "eA=="}), "validation");
}

#[test]
fn arguments_are_taken_strictly() {
    let mcp = Mcp::start();
    for arguments in
        [json!({}), json!({"path": 7}), json!({"path": "A", "more": 1}), json!({"path": "A", "max_tokens": "x"}), json!(["A"]), json!("A")]
    {
        mcp.bad("read_note", arguments, "validation");
    }
    mcp.bad("apply_changes", json!({"message": "m", "operations": [{"op": "burn", "path": "A"}]}), "validation");
    mcp.bad("apply_changes", json!({"message": "m", "operations": [{"op": "put", "path": "/A", "content": ""}]}), "validation");
    mcp.bad("read_notes", json!({"paths": ["A", 7]}), "validation");
}

#[test]
fn several_pages_change_at_once_and_come_back() {
    let mcp = Mcp::start();
    let first = mcp.write("A", "one\n");
    let start = mcp.good("get_wiki_info", json!({})).structured["revision"].clone();
    let none = mcp.good("get_changes_since", json!({"revision": start}));
    assert!(none.text.starts_with("Nothing new since"), "{}", none.text);
    let told = mcp.good(
        "apply_changes",
        json!({"message": "Both", "base": start, "operations": [
            {"op": "patch", "path": "A", "old_string": "one", "new_string": "two"}, {"op": "put", "path": "B", "content": "b\n"},
        ]}),
    );
    let second = told.revision();
    assert_eq!(told.text, format!("Changed 2 pages (revision: {second}): A, B"));
    let stale = mcp.bad(
        "apply_changes",
        json!({"message": "m", "base": start, "operations": [
            {"op": "put", "path": "C", "content": "c"}, {"op": "put", "path": "A", "content": "x"},
        ]}),
        "revision_mismatch",
    );
    assert_eq!(
        (&stale.structured["error"]["operation"], mcp.good("list_notes", json!({})).structured["total"].as_u64()),
        (&json!(1), Some(2))
    );
    let since = mcp.good("get_changes_since", json!({"revision": start}));
    assert_eq!((&since.structured["until"], &since.structured["changes"][0]["message"]), (&json!(second), &json!("[mcp] Both")));
    assert!(since.text.contains("changed A, created B"), "{}", since.text);
    let diff = mcp.good("diff_note", json!({"path": "A", "from": first, "to": second}));
    assert!(diff.text.ends_with("@@ -1 +1 @@\n-one\n+two\n"), "{}", diff.text);
    let back = mcp.good("revert_note", json!({"path": "A", "to_revision": first, "revision": second}));
    assert!(back.text.starts_with("Reverted A (revision: "), "{}", back.text);
    assert_eq!(mcp.good("read_note", json!({"path": "A"})).structured["content"], "one\n");
}

#[test]
fn text_is_added_to_pages_and_sections_and_sections_are_replaced() {
    let mcp = Mcp::start();
    mcp.write("Page", "# Page\n\n## One\n\na\n\n## Two\n\nb\n");
    mcp.good("append_to_note", json!({"path": "Page", "text": "end"}));
    let revision = mcp.good("append_to_note", json!({"path": "Page", "section": "one", "text": "more\n"})).revision();
    let section = json!({"path": "Page", "section": "Two", "text": "## Zwei\n\nc\n", "revision": revision});
    let told = mcp.good("replace_section", section);
    assert_eq!(told.text, format!("Edited Page (revision: {})", told.revision()));
    mcp.bad("append_to_note", json!({"path": "Page", "section": "Three", "text": "x"}), "no_match");
    mcp.bad("append_to_note", json!({"path": "Nowhere", "text": "x"}), "not_found");
    mcp.bad("append_to_note", json!({"path": "Page", "text": " \n"}), "validation");
    let content = mcp.good("read_note", json!({"path": "Page"})).structured["content"].as_str().unwrap().to_string();
    assert_eq!(content, "# Page\n\n## One\n\na\n\nmore\n\n## Zwei\n\nc\n");
}

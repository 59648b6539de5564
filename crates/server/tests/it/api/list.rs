//! The list of pages, and search.

use super::{Api, Names, PASSWORD};
use serde_json::json;

#[test]
fn case_14_filters() {
    let api = Api::start(Names::Folded);
    api.create("docs/a", "---\ntags: [guide, x]\n---\none two");
    api.create("docs/b", "---\ntags: Guide, y\ncategory: 7\n---\none");
    api.create("post", "---\ncategory: Blog\n---\none");
    let paths = |query: &str| api.get(&format!("/pages?{query}")).column("pages", "path");
    assert_eq!(paths("prefix=docs/"), ["Docs/A", "Docs/B"]);
    assert_eq!(paths("prefix=DOCS/a"), ["Docs/A"]);
    assert_eq!(paths("tag=guide"), ["Docs/A", "Docs/B"]);
    assert_eq!((paths("category=blog"), paths("category=7")), (vec!["Post".to_string()], vec!["Docs/B".to_string()]));
    assert_eq!(paths("tag=guide&category=blog").len(), 0);
    assert_eq!((paths("updated_since=2099-01-01").len(), paths("updated_since=2001-01-01T00:00:00Z").len()), (0, 3));
    assert_eq!(paths("tag=&category=").len(), 3);
    assert_eq!(api.get("/pages?updated_since=not-a-date").refused(422, "validation").text("field"), "updated_since");
    let first = &api.get("/pages").body["pages"][0];
    assert_eq!((&first["content_length"], &first["tags"], &first["category"]), (&json!(2), &json!(["guide", "x"]), &json!(null)));
    assert_eq!((first["last_updated"].as_str().unwrap().len(), first["revision"].as_str().unwrap().len()), (10, 40));
}

#[test]
fn lists_go_on_where_they_stopped() {
    let api = Api::start(Names::Folded);
    for page in ["a", "b", "c", "d", "e"] {
        api.create(page, "---\ntags: t\n---\nx");
    }
    let (mut seen, mut query) = (Vec::new(), "/pages?tag=t&limit=2".to_string());
    for _ in 0..3 {
        let said = api.get(&query);
        assert_eq!(said.body["total"], 5);
        seen.extend(said.column("pages", "path"));
        let Some(cursor) = said.body["next_cursor"].as_str() else { break };
        query = format!("/pages?tag=t&limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["A", "B", "C", "D", "E"]);
    let cursor = api.get("/pages?limit=2").text("next_cursor");
    for other in [
        format!("/pages?tag=x&cursor={cursor}"),
        format!("/changelog?cursor={cursor}"),
        "/pages?cursor=abc".into(),
        "/pages?cursor=%00".into(),
    ] {
        assert_eq!(api.get(&other).refused(422, "validation").text("field"), "cursor");
    }
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let api = Api::start(Names::Kept);
    api.create("Guide/A", "---\ntags: [draft, x]\n---\notter");
    api.create("Guide/B", "---\ntags: x\ncategory: Old\n---\notter");
    api.create("Notes", "otter");
    let paths = |query: &str| {
        let mut paths = api.get(&format!("/search?q={query}")).column("results", "path");
        paths.sort();
        paths
    };
    assert_eq!(paths("otter"), ["Guide/A", "Guide/B", "Notes"], "the control");
    assert_eq!(paths("otter+-tag:draft"), ["Guide/B", "Notes"]);
    assert_eq!(paths("otter+-tag:%22Draft%22+-category:old"), ["Notes"]);
    assert_eq!((paths("otter+-path:Guide"), paths("-path:guide/b+tag:x")), (vec!["Notes".to_string()], vec!["Guide/A".to_string()]));
    assert_eq!((paths("otter+-author:ann").len(), paths("otter+-author:bob").len()), (0, 3));
    assert_eq!((paths("otter+-after:2001-01-01").len(), paths("otter+-before:2001-01-01").len()), (0, 3));
}

#[test]
fn case_17_search() {
    let api = Api::start(Names::Folded);
    api.create("animals", "The quick brown fox jumps.");
    api.create("fox", "---\ntitle: About Foxes\n---\nA brown fox, brown fox.");
    api.create("cars", "Nothing here.");
    for q in ["", "?q=", "?q=+"] {
        api.get(&format!("/search{q}")).refused(422, "validation");
    }
    let said = api.get("/search?q=brown+fox");
    assert_eq!((said.body["total"].as_u64(), said.text("query")), (Some(2), "brown fox".into()));
    let scores: Vec<f64> = said.body["results"].as_array().unwrap().iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.iter().all(|score| *score > 0.0 && *score <= 1.0) && scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert!(said.column("results", "name").contains(&"About Foxes".to_string()) && said.column("results", "snippet")[0].contains("fox"));
    assert_eq!(api.get("/search?q=xyznonexistent").body["total"], 0);
    assert_eq!(api.get("/search?q=brown&prefix=animals").column("results", "path"), ["Animals"]);
    api.get(&format!("/search?q={}", "x".repeat(600))).refused(413, "too_large");
    for odd in ["%22", "*", "AND", "a+OR", "NEAR(", "%27--", "-x", "path:"] {
        assert_eq!(api.get(&format!("/search?q={odd}")).status, 200, "{odd}");
    }
    // A save is found when it is acknowledged.
    let revision = api.create("new", "zebra");
    let said = api.get("/search?q=zebra");
    assert_eq!((said.column("results", "path"), said.text("commit")), (vec!["New".to_string()], revision));
}

#[test]
fn the_wiki_says_what_it_is() {
    let api = Api::start(Names::Folded);
    let revision = api.create("a/b", "x");
    let said = api.get("/wiki");
    assert_eq!((said.text("revision"), said.body["pages"].as_u64(), said.text("user")), (revision.clone(), Some(1), "Ann".into()));
    assert_eq!(said.body["permissions"], json!({"read": true, "write": true, "upload": true, "admin": false}));
    assert_eq!((api.get("/index-status").text("commit"), api.get("/index-status").body["lag_commits"].as_u64()), (revision, Some(0)));
    let tree = api.get("/tree");
    assert_eq!(
        (tree.column("tree", "path"), tree.column("tree", "kind")),
        (vec!["A".into(), "A/B".into()], vec!["directory".into(), "page".into()])
    );
    assert_eq!(api.get("/tree?depth=1").column("tree", "path"), ["A"]);
    assert_eq!(api.get("/tree?path=a").column("tree", "path"), ["A/B"]);
}

#[test]
fn case_33_every_door_finds_what_another_wrote() {
    let api = Api::start(Names::Kept);
    let ann = api.server.client();
    ann.log_in("ann@example.org", PASSWORD);
    assert_eq!(ann.save("Web", "zebra [[Rest]]", "By hand"), Some(303));
    let made = api.send("PUT", "/pages/Rest", &json!({"content": "zebra [[Web]]"}));
    assert_eq!(made.status, 201, "{}", made.body);
    let mut found = api.get("/search?q=zebra").column("results", "path");
    found.sort();
    assert_eq!((found, api.get("/links/Web").texts("linked_from")), (vec!["Rest".to_string(), "Web".into()], vec!["Rest".to_string()]));
    let page = ann.get("/-/search?q=zebra").body_text();
    assert!(page.contains("href=\"/Rest\"") && page.contains("href=\"/Web\"") && ann.get("/Rest").body_text().contains("zebra"));
}

#[test]
fn search_says_how_it_was_taken_and_why() {
    let api = Api::start(Names::Folded);
    api.create(
        "guide/installation",
        "---\ntitle: Set up\ncategory: How to\ntags: [Start]\n---\n# Installation\n\nThe red otter, an otter.",
    );
    api.create("fox", "---\ncategory: Animals\n---\nA fox.");
    let said = api.get("/search?q=otter&explain=true");
    let hit = &said.body["results"][0];
    assert_eq!((said.text("matched"), &hit["name"], said.texts("similar").len()), ("all".into(), &json!("Set up"), 0));
    assert_eq!(hit["explain"]["words"], json!([{"word": "otter", "in": {"body": 2}}]));
    assert!(hit["explain"]["pieces"].as_array().unwrap().contains(&json!({"text": "otter", "hit": true})));
    assert_eq!(said.body["weights"]["title"], 10.0);
    assert!(api.get("/search?q=otter").body["results"][0].get("explain").is_none());
    assert_eq!(api.get("/search?q=otter+fox").text("matched"), "any");
    assert_eq!(api.get("/search?q=ott").text("matched"), "beginnings");
    // The words of titles, names and tags count, those of the properties' other lines do not.
    assert_eq!(
        (api.get("/search?q=start").column("results", "path"), api.get("/search?q=category:").body["total"].as_u64()),
        (vec!["Guide/Installation".to_string()], Some(0))
    );
    assert_eq!(api.get("/search?q=otter+OR+fox&category=how+TO").column("results", "path"), ["Guide/Installation"]);
    assert_eq!(api.get("/search?q=instalation").column("similar", "path"), ["Guide/Installation"]);
    for (query, field) in [
        ("q=x&before=soon", "before"),
        ("q=x&after=2026-02-30", "after"),
        ("q=x&prefix=../x", "prefix"),
        ("q=before:soon", "q"),
        ("regex=x&before=soon", "before"),
    ] {
        let refused = api.get(&format!("/search?{query}"));
        assert_eq!(refused.refused(422, "validation").text("field"), field, "{query}");
    }
    let many: String = (0..40).map(|n| format!("w{n}+")).collect();
    api.get(&format!("/search?q={many}")).refused(413, "too_large");
    let page = api.server.client();
    page.log_in("ann@example.org", PASSWORD);
    assert!(page.get("/-/search?q=instalation").body_text().contains("Did you mean: <a href=\"/guide/installation\">"));
    assert!(page.get("/-/search?q=otter+fox").body_text().contains("No page has all of the words"));
    assert!(page.get("/-/search?q=otter&category=animals").body_text().contains("Nothing found"));
}

#[test]
fn lines_by_a_regular_expression() {
    let api = Api::start(Names::Folded);
    for n in 0..5 {
        api.create(&format!("guide/p{n}"), &format!("---\ntags: [t{n}]\n---\n# Page\n\n## Step {n}\n\nSee [[Other]] and größe{n}.\n"));
    }
    api.create("other", "nothing");
    let paths = |query: &str| api.get(&format!("/search?regex={query}")).column("results", "path");
    let said = api.get("/search?regex=%5E%23%23+Step+%5B34%5D%24");
    assert_eq!(said.column("results", "path"), ["Guide/P3", "Guide/P4"]);
    assert_eq!(said.body["results"][0]["lines"], json!([{"line": 6, "text": "## Step 3", "start": 0, "end": 9}]));
    assert_eq!((&said.body["next_cursor"], said.texts("unfinished").len(), said.text("commit").len()), (&json!(null), 0, 40));
    assert_eq!(paths("%5C%5B%5C%5BOther").len(), 5, "what is written, mark-up and all");
    assert_eq!((paths("(?i)GR%C3%96SSE%5Cd").len(), paths("(?i)GR%C3%96%C3%9FE%5Cd").len()), (0, 5));
    assert_eq!((paths("See&tag=t2"), paths("nothing&prefix=guide").len()), (vec!["Guide/P2".to_string()], 0));
    let (mut seen, mut query) = (Vec::new(), "/search?regex=See&limit=2".to_string());
    for _ in 0..4 {
        let said = api.get(&query);
        seen.extend(said.column("results", "path"));
        let Some(cursor) = said.body["next_cursor"].as_str() else { break };
        query = format!("/search?regex=See&limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["Guide/P0", "Guide/P1", "Guide/P2", "Guide/P3", "Guide/P4"]);
    for (pattern, position) in [("%C3%A4(b", Some(1)), ("a%7B5,2%7D", Some(1)), ("(?%3C%3Da)b", Some(0)), ("(%5Cw%7B50%7D)%7B50%7D", None)]
    {
        let said = api.get(&format!("/search?regex={pattern}"));
        assert_eq!(
            (said.refused(422, "validation").text("field"), said.body["position"].as_u64()),
            ("regex".into(), position),
            "{pattern}"
        );
    }
    for query in ["regex=a&q=b", &format!("regex={}", "x".repeat(600)), "regex=", "regex=a&after=soon"] {
        api.get(&format!("/search?{query}")).refused(422, "validation");
    }
    let cursor = api.get("/search?regex=See&limit=2").text("next_cursor");
    assert_eq!(api.get(&format!("/search?regex=Se&cursor={cursor}")).refused(422, "validation").text("field"), "cursor");
}

#[test]
fn parameters_narrow_down_whatever_the_query_is() {
    let api = Api::start(Names::Kept);
    for (page, text) in
        [("In/Red", "---\ntags: [draft]\n---\nred"), ("In/Blue", "blue"), ("Out/Red", "red"), ("Out/Plan", "prefix draft red")]
    {
        api.create(page, text);
    }
    let paths = |query: &str| api.get(&format!("/search?{query}")).column("results", "path");
    assert_eq!(paths("q=%22red&prefix=In&tag=draft"), ["In/Red"], "a quote that is never closed ends with the query");
    assert_eq!(paths("q=red%22&prefix=In"), ["In/Red"]);
    assert_eq!(paths("q=path:Out&prefix=In").len(), 0, "both hold");
    assert_eq!(paths("q=path:In&prefix=In").len(), 2);
    assert_eq!(paths("q=%F0%9F%A6%A6&prefix=In").len(), 0, "no page has what cannot be looked for");
}

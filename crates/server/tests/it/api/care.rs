//! What wants care, over the wire.

use super::{Api, Names};
use serde_json::json;

#[test]
fn findings_come_by_kind_in_parts_with_their_mends() {
    let api = Api::start(Names::Kept);
    api.create("Home", "# Home\n\n[[Guide/Steup]] [[Plan]]\n\n[[Stub]]\n");
    api.create(
        "Guide/Setup",
        "---\nreview: 2001-02-03\n---\n# Setup\n\n[[Home]] [[Plan]]\n\ntoken: ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8\n",
    );
    api.create("Stub", "# Stub\n");
    let all = api.get("/care");
    let kinds = ["secret", "broken-link", "broken-link", "broken-link", "wanted", "wanted", "stale", "orphan", "empty"];
    assert_eq!((all.status, all.column("findings", "kind")), (200, kinds.map(str::to_string).to_vec()), "{}", all.body);
    let what = "A link leads to Guide/Steup, which is not there.";
    let mend = json!({"kind": "relink", "from": "Guide/Steup", "to": "Guide/Setup"});
    let link =
        json!({"kind": "broken-link", "path": "Home", "line": 3, "what": what, "others": ["Guide/Steup"], "mend": mend, "waiting": null});
    assert!(all.body["findings"].as_array().unwrap().contains(&link), "{}", all.body);
    assert_eq!(
        (&all.body["total"], &all.body["counts"]["broken-link"], &all.body["counts"]["duplicate"]),
        (&json!(9), &json!(3), &json!(0))
    );
    assert_eq!(all.body["findings"][6]["mend"]["kind"], "postpone");
    assert!(!all.body.to_string().contains("a1B2c3D4"), "a secret stays where it is");

    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let part = api.get(&format!("/care?kind=broken-link&limit=2{cursor}"));
        assert_eq!((&part.body["total"], part.status), (&json!(3), 200), "{}", part.body);
        found.extend(part.column("findings", "path"));
        match part.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, ["Guide/Setup", "Home", "Home"]);
    // A cursor is good for its own question.
    let next = api.get("/care?limit=1").text("next_cursor");
    api.get(&format!("/care?kind=orphan&cursor={next}")).refused(422, "validation");
    api.get("/care?kind=nothing").refused(422, "validation");
}

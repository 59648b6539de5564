//! Tools that look around: lists, search, links, what happened.

use super::{Call, Told, more};
use crate::api::failure::Failure;
use crate::api::{called, changes, cursor, history, links, list, semantic, wiki};
use crate::mcp::{budget, prompts};
use holt_core::{PagePath, RevisionId, RevisionPrefix};
use holt_engine::Read;
use holt_engine::pages::{self, ChangesPlace, Entry, Filter, ListFilter, SearchMode, Since};
use serde_json::{Value, json};

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn rows(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// `list_notes`
pub fn list_notes(call: &Call<'_>) -> Result<Told, Failure> {
    let asked = |name: &str| Ok::<_, Failure>(call.text(name)?.map(str::to_string));
    let updated = asked("updated_since")?;
    let since = updated.as_deref().map(list::since).transpose()?;
    let filter = ListFilter { prefix: asked("prefix")?, category: asked("category")?, tag: asked("tag")?, since };
    let after = call.cursor()?.map(|after| PagePath::parse(&after)).transpose()?;
    let (mut found, end) = list::part(call.context, &filter, after.as_ref(), call.number("limit"))?;
    let pages = rows(&found["pages"]);
    let line = |page: &Value| {
        let mut about = Vec::new();
        if let Some(category) = page["category"].as_str() {
            about.push(format!("category: {category}"));
        }
        let tags = texts(&page["tags"]);
        if !tags.is_empty() {
            about.push(format!("tags: {}", tags.join(", ")));
        }
        if let Some(day) = page["last_updated"].as_str() {
            about.push(format!("updated: {day}"));
        }
        let about = if about.is_empty() { "no metadata".to_string() } else { about.join(", ") };
        format!("- {} ({about}, {} words)", page["path"].as_str().unwrap_or_default(), page["content_length"])
    };
    let lines: Vec<String> = pages.iter().map(line).collect();
    let fits = budget::fitting(lines.iter()).min(lines.len());
    let next = match end {
        _ if fits < lines.len() => call.next(pages[fits - 1]["path"].as_str()),
        end => call.next(end.as_ref().map(PagePath::as_str)),
    };
    let narrowed: Vec<String> = [("prefix", &filter.prefix), ("category", &filter.category), ("tag", &filter.tag)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)))
        .chain(updated.map(|updated| format!("updated since {updated}")))
        .collect();
    let matching = if narrowed.is_empty() { String::new() } else { format!(" matching {}", narrowed.join(", ")) };
    let said = format!("Found {} notes{matching}:\n{}{}", found["total"], lines[..fits].join("\n"), more(&next));
    found["pages"] = pages[..fits].into();
    found["next_cursor"] = next;
    let paths: Vec<&str> = pages[..fits].iter().filter_map(|page| page["path"].as_str()).collect();
    Ok(Told::new(said.trim_end(), found.clone()).linking(call, paths.into_iter()))
}

/// `search_notes`
pub fn search_notes(call: &Call<'_>) -> Result<Told, Failure> {
    let query = call.text("query")?.ok_or_else(|| call.fields.refuse("query", "is blank", "Send what to look for."))?;
    let start = call.cursor()?.map_or(Ok(0), |place| place.parse::<usize>().map_err(|_| cursor::refuse()))?;
    let limit = call.number("limit");
    let by = SearchMode::Both(&call.context.app.model);
    let found = pages::search_by(&call.context.scope::<Read>()?, by, query, start, limit)
        .map_err(|error| Failure::from(error).with("field", "query"))?;
    let results: Vec<Value> = found
        .hits
        .iter()
        .map(|hit| {
            let snippet: String = hit.snippet.iter().map(|piece| piece.text.as_str()).collect();
            json!({
                "name": called(&call.preferences, &hit.path, hit.name.clone()), "path": call.preferences.display_path(&hit.path),
                "snippet": snippet, "score": hit.score,
            })
        })
        .collect();
    let line = |(at, hit): (usize, &Value)| {
        let snippet = hit["snippet"].as_str().unwrap_or_default().replace('\n', " ");
        let score = hit["score"].as_f64().unwrap_or_default();
        format!("{}. {} (score: {score:.2})\n   {}", start + at + 1, hit["path"].as_str().unwrap_or_default(), snippet.trim())
    };
    let lines: Vec<String> = results.iter().enumerate().map(line).collect();
    let fits = budget::fitting(lines.iter()).min(lines.len());
    let end = start + fits;
    // How far words are ranked at all is bounded: no cursor leads beyond.
    let next = call.next((end < found.total && fits > 0 && end <= 200).then_some(end));
    let similar: Vec<String> = found.similar.iter().map(|page| call.preferences.display_path(&page.path)).collect();
    let meant = if similar.is_empty() { String::new() } else { format!("\nPages called similarly: {}", similar.join(", ")) };
    let said = format!("{} results for \"{query}\":\n{}{meant}{}", found.total, lines[..fits].join("\n"), more(&next));
    let structured = json!({
        "query": query, "results": results[..fits], "total": found.total, "similar": similar,
        "commit": found.revision.map(|revision| revision.to_string()), "next_cursor": next,
    });
    let paths: Vec<&str> = results[..fits].iter().filter_map(|hit| hit["path"].as_str()).collect();
    Ok(Told::new(said.trim_end(), structured).linking(call, paths.into_iter()))
}

/// `semantic_search`
pub fn semantic_search(call: &Call<'_>) -> Result<Told, Failure> {
    let query = call.text("query")?.ok_or_else(|| call.fields.refuse("query", "is blank", "Send what to look for."))?;
    let (n, per_page) = (call.number("n"), call.number("max_chunks_per_page"));
    let found = semantic::found(call.context, query, n, per_page).map_err(|failure| {
        let asked = json!({"query": query, "n": n, "max_chunks_per_page": per_page});
        failure.with("asked", asked)
    })?;
    let results = rows(&found["results"]);
    let line = |(at, hit): (usize, &Value)| {
        let text = |name: &str| hit[name].as_str().unwrap_or_default();
        let (path, distance) = (text("path"), hit["distance"].as_f64().unwrap_or_default());
        let place =
            format!("[{}/{}] — {} words", hit["chunk_index"].as_u64().unwrap_or_default() + 1, hit["total_chunks"], hit["page_word_count"]);
        let body = text("text").lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n");
        let section = if text("section").is_empty() { String::new() } else { format!("   Section: {}\n", text("section")) };
        format!("{}. {path} (distance: {distance:.2}) {place}\n{section}{body}", at + 1)
    };
    let lines: Vec<String> = results.iter().enumerate().map(line).collect();
    let fits = budget::fitting(lines.iter()).min(lines.len());
    let behind = match found["pending"].as_u64() {
        Some(0) | None => String::new(),
        Some(pending) => format!("\n{pending} pages changed a moment ago and are not in this yet: search_notes finds them by words."),
    };
    let said =
        if lines.is_empty() { format!("No results for \"{query}\".{behind}") } else { format!("{}{behind}", lines[..fits].join("\n")) };
    let paths: Vec<&str> = results[..fits].iter().filter_map(|hit| hit["path"].as_str()).collect();
    let structured = json!({
        "query": query, "results": results[..fits], "total": fits, "commit": found["commit"], "pending": found["pending"],
    });
    Ok(Told::new(said, structured).linking(call, paths.into_iter()))
}

/// Most links of one kind, and most pages of a commit, that are told.
const LINKS: usize = 1_000;
const TOUCHED: usize = 100;

/// `get_links`
pub fn get_links(call: &Call<'_>) -> Result<Told, Failure> {
    let mut found = links::of(call.context, &call.path("path")?)?;
    let side = |found: &mut Value, name: &str, title: &str| {
        let listed: Vec<String> = texts(&found[name]).iter().map(|path| format!("- {path}")).collect();
        let fits = budget::fitting(listed.iter()).min(listed.len()).min(LINKS);
        budget::cap(found, name, fits);
        let cut = if fits < listed.len() { format!("\n- and {} more", listed.len() - fits) } else { String::new() };
        let body = if listed.is_empty() { "(none)".to_string() } else { listed[..fits].join("\n") + &cut };
        format!("{title} ({}):\n{body}", listed.len())
    };
    let (to, from) = (side(&mut found, "links_to", "Links to"), side(&mut found, "linked_from", "Linked from"));
    let said = format!("Links for {}:\n{to}\n{from}", found["path"].as_str().unwrap_or_default());
    let all: Vec<String> = texts(&found["links_to"]).into_iter().chain(texts(&found["linked_from"])).map(str::to_string).collect();
    Ok(Told::new(said, found).linking(call, all.iter().map(String::as_str)))
}

fn told(entry: &Value, first: &str) -> String {
    let message: Vec<String> = entry["message"].as_str().unwrap_or_default().lines().map(|line| format!("  {line}")).collect();
    format!("{first}\n{}", message.join("\n"))
}

/// `get_recent_changes`
pub fn get_recent_changes(call: &Call<'_>) -> Result<Told, Failure> {
    let before = call.cursor()?.map(|place| place.parse::<i64>().map_err(|_| cursor::refuse())).transpose()?;
    let limit = call.number("limit");
    let named = |name: &str| Ok::<_, Failure>(call.text(name)?.map(str::to_string));
    let filter = Filter { via: named("via")?, session: named("session")?, ..Filter::default() };
    let entries = pages::changelog(&call.context.scope::<Read>()?, &filter, before, limit)?;
    let affected = |entry| {
        let mut shown = history::affected(&call.preferences, entry);
        budget::cap(&mut shown, "pages_affected", TOUCHED);
        budget::cap(&mut shown, "attachments_affected", TOUCHED);
        shown
    };
    let shown: Vec<Value> = entries.iter().map(affected).collect();
    let line = |entry: &Value| {
        let both = ["pages_affected", "attachments_affected"].map(|name| budget::joined(entry, name, 20));
        let pages = both.into_iter().filter(|paths| !paths.is_empty()).collect::<Vec<_>>().join(", ");
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        told(entry, &format!("- {} | {} | {pages}", text("date"), text("author")))
    };
    let lines: Vec<String> = shown.iter().map(line).collect();
    let fits = budget::fitting(lines.iter()).min(lines.len());
    let next = call
        .next((fits < lines.len() || lines.len() == limit).then(|| entries.get(fits.saturating_sub(1)).map(|entry| entry.seq)).flatten());
    let said = format!("{fits} recent changes:\n{}{}", lines[..fits].join("\n"), more(&next));
    Ok(Told::new(said.trim_end(), json!({"entries": shown[..fits], "total": fits, "next_cursor": next})))
}

/// `get_history`
pub fn get_history(call: &Call<'_>) -> Result<Told, Failure> {
    let before = call.cursor()?.map(|place| place.parse::<i64>().map_err(|_| cursor::refuse())).transpose()?;
    let page = call.path("path")?;
    let (mut body, mut end) = history::page_part(call.context, &page, before, call.number("limit"))?;
    let path = body["path"].as_str().unwrap_or_default().to_string();
    let mut entries = rows(&body["history"]);
    let messages: Vec<String> = entries.iter().map(|entry| told(entry, "")).collect();
    let fits = budget::fitting(messages.iter());
    if fits < entries.len() {
        (body, end) = history::page_part(call.context, &page, before, fits)?;
        entries = rows(&body["history"]);
    }
    body["next_cursor"] = call.next(end);
    if entries.is_empty() {
        return Ok(Told::new(format!("No history for {path}."), body));
    }
    let line = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let revision: String = text("revision").chars().take(8).collect();
        told(entry, &format!("- {revision} | {} | {}", text("date"), text("author")))
    };
    let lines: Vec<String> = entries.iter().map(line).collect();
    let said = format!("History for {path} ({} revisions):\n{}{}", lines.len(), lines.join("\n"), more(&body["next_cursor"]));
    Ok(Told::new(said, body))
}

/// `find_orphaned_notes`
pub fn find_orphaned_notes(call: &Call<'_>) -> Result<Told, Failure> {
    let orphans = links::alone(call.context)?;
    let lines: Vec<String> = orphans.iter().map(|path| format!("- {path}")).collect();
    let (part, next) = call.part(&lines)?;
    let structured = json!({"orphans": orphans[part.clone()], "total": orphans.len(), "next_cursor": next});
    if orphans.is_empty() {
        return Ok(Told::new("No orphaned notes found: every page is linked to from another one.", structured));
    }
    let said =
        format!("Found {} orphaned notes (no other page links to them):\n{}{}", orphans.len(), lines[part.clone()].join("\n"), more(&next));
    Ok(Told::new(said, structured).linking(call, orphans[part].iter().map(String::as_str)))
}

/// `find_missing_pages`
pub fn find_missing_pages(call: &Call<'_>) -> Result<Told, Failure> {
    let missing = links::wanted(call.context)?;
    let line = |one: &Value| {
        let from = texts(&one["sources"]);
        let cut = if from.len() > 10 { format!(" and {} more", from.len() - 10) } else { String::new() };
        format!("- {} (linked from {}{cut})", one["target"].as_str().unwrap_or_default(), from[..from.len().min(10)].join(", "))
    };
    let lines: Vec<String> = missing.iter().map(line).collect();
    let (part, next) = call.part(&lines)?;
    let structured = json!({"missing": missing[part.clone()], "total": missing.len(), "next_cursor": next});
    if missing.is_empty() {
        return Ok(Told::new("No missing pages found: every link leads to a page.", structured));
    }
    let said = format!("Found {} pages that are linked to and do not exist:\n{}{}", missing.len(), lines[part].join("\n"), more(&next));
    Ok(Told::new(said, structured))
}

/// `list_tags`
pub fn list_tags(call: &Call<'_>) -> Result<Told, Failure> {
    let tags = pages::tags(&call.context.scope::<Read>()?)?;
    let lines: Vec<String> = tags.iter().map(|tag| format!("- {} ({} pages)", tag.name, tag.pages)).collect();
    let (part, next) = call.part(&lines)?;
    let shown: Vec<Value> = tags[part.clone()].iter().map(|tag| json!({"name": tag.name, "pages": tag.pages})).collect();
    let said = format!("{} tags:\n{}{}", tags.len(), lines[part].join("\n"), more(&next));
    Ok(Told::new(said.trim_end(), json!({"tags": shown, "total": tags.len(), "next_cursor": next})))
}

/// `list_categories`
pub fn list_categories(call: &Call<'_>) -> Result<Told, Failure> {
    let categories = pages::categories(&call.context.scope::<Read>()?)?;
    let lines: Vec<String> = categories.iter().map(|one| format!("- {} ({} pages)", one.name, one.pages)).collect();
    let (part, next) = call.part(&lines)?;
    let shown: Vec<Value> = categories[part.clone()].iter().map(|one| json!({"name": one.name, "pages": one.pages})).collect();
    let said = format!("{} categories:\n{}{}", categories.len(), lines[part].join("\n"), more(&next));
    Ok(Told::new(said.trim_end(), json!({"categories": shown, "total": categories.len(), "next_cursor": next})))
}

/// `get_changes_since`
pub fn get_changes_since(call: &Call<'_>) -> Result<Told, Failure> {
    let scope = call.context.scope::<Read>()?;
    let sent = call.fields.required("revision")?;
    if sent.len() < 7 {
        return Err(call.fields.refuse("revision", "is too short: it needs at least 7 digits", "Send `until` of the answer before."));
    }
    let since = pages::resolve(&scope, &RevisionPrefix::parse(sent).map_err(|_| changes::unknown())?).map_err(|_| changes::unknown())?;
    let place = call.cursor()?.map(|text| {
        let (until, last) = text.split_once(' ').ok_or_else(cursor::refuse)?;
        let id = |text: &str| RevisionId::parse(text).map_err(|_| cursor::refuse());
        Ok::<_, Failure>(ChangesPlace { until: id(until)?, last: id(last)? })
    });
    let found = pages::changes(&scope, Since::Revision(since), place.transpose()?, call.number("limit"))?.ok_or_else(changes::unknown)?;
    let change = |entry| {
        let mut shown = changes::change(&call.preferences, entry);
        budget::cap(&mut shown, "pages", TOUCHED);
        budget::cap(&mut shown, "attachments", TOUCHED);
        shown
    };
    let shown: Vec<Value> = found.entries.iter().map(change).collect();
    let lines: Vec<String> = shown.iter().map(changed).collect();
    let fits = budget::fitting(lines.iter()).min(lines.len());
    let cut = |last: &Entry| Some(ChangesPlace { until: found.until?, last: last.revision.id });
    let end = if fits < lines.len() { found.entries.get(fits - 1).and_then(cut) } else { found.next };
    let next = call.next(end.map(|place| format!("{} {}", place.until, place.last)));
    let until = found.until.map(|until| until.to_string());
    let structured = json!({"changes": shown[..fits], "until": until, "next_cursor": next});
    let until = until.unwrap_or_default();
    if lines.is_empty() {
        return Ok(Told::new(format!("Nothing new since {since}. You know everything up to {until}."), structured));
    }
    let after = if next.is_null() { format!("\nYou know everything up to {until}: ask from there next time.") } else { more(&next) };
    Ok(Told::new(format!("{fits} changes since {since}, oldest first:\n{}{after}", lines[..fits].join("\n")), structured))
}

fn changed(entry: &Value) -> String {
    let file = |one: &Value| {
        let from = one["old_path"].as_str().map_or_else(String::new, |from| format!("{from} -> "));
        format!("{} {from}{}", one["kind"].as_str().unwrap_or_default(), one["path"].as_str().unwrap_or_default())
    };
    let all: Vec<String> = ["pages", "attachments"].into_iter().flat_map(|name| rows(&entry[name])).map(|one| file(&one)).collect();
    let cut = if all.len() > 20 { format!(" and {} more", all.len() - 20) } else { String::new() };
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    told(entry, &format!("- {} | {} | {} | {}{cut}", text("revision"), text("date"), text("author"), all[..all.len().min(20)].join(", ")))
}

/// `get_wiki_info`
pub fn get_wiki_info(call: &Call<'_>) -> Result<Told, Failure> {
    let mut wiki = wiki::described(call.context)?;
    let guide = prompts::guide(call.context)?.map(|path| call.preferences.display_path(&path));
    wiki["slug"] = call.slug.as_str().into();
    wiki["description"] = call.preferences.get("SITE_DESCRIPTION").unwrap_or_default().into();
    wiki["guide"] = guide.clone().into();
    let may: Vec<&str> = ["read", "write", "upload", "admin"].into_iter().filter(|right| wiki["permissions"][*right] == true).collect();
    let text = |name: &str| wiki[name].as_str().unwrap_or_default();
    let lines = [
        Some(format!("# {}", text("name"))),
        Some(text("description").trim().to_string()).filter(|text| !text.is_empty()),
        Some(format!("Pages: {}, attachments: {}, revisions: {}", wiki["pages"], wiki["attachments"], wiki["revisions"])),
        wiki["revision"].as_str().map(|head| format!("Revision: {head}")),
        wiki["limits"]["pages"].as_u64().map(|most| format!("Most pages: {most}")),
        Some(format!("You may: {}", may.join(", "))),
        Some(handled(&wiki["handling"])).filter(|text| !text.is_empty()),
        wiki["user"].as_str().map(|user| format!("You act for: {user}")),
        wiki["within"].as_str().map(|within| format!("Only for: {within} and what is below it")),
        Some(guide.map_or_else(
            || "Guidance for agents: none (a page called Agent Guide would be it)".to_string(),
            |guide| format!("Guidance for agents: read the page {guide}"),
        )),
    ];
    Ok(Told::new(lines.into_iter().flatten().collect::<Vec<_>>().join("\n"), wiki))
}

/// What becomes of the changes of whoever asks, where they are not simply made.
fn handled(handling: &Value) -> String {
    let what = |word: &Value| match word.as_str() {
        Some("propose") => "wait until somebody accepts them",
        Some("deny") => "are refused",
        _ => "are made at once",
    };
    let rules = rows(&handling["rules"]);
    if rules.is_empty() && handling["otherwise"] == "direct" {
        return String::new();
    }
    let rule = |rule: &Value| format!("at {} and below it they {}", rule["path"].as_str().unwrap_or_default(), what(&rule["handling"]));
    let lines: Vec<String> = rules.iter().map(rule).chain([format!("elsewhere they {}", what(&handling["otherwise"]))]).collect();
    format!("Your changes: {}", lines.join("; "))
}

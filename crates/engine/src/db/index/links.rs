//! Who links to whom.

use super::pages::{ANSWERS, stored_below};
use super::{Index, rows};
use holt_core::{AttachmentName, PageKey, PagePath, Result};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap};

/// A page that links somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedFrom {
    /// Its path.
    pub path: PagePath,
    /// Its place in the tree.
    pub file: String,
    /// The text of its first heading.
    pub title: Option<String>,
}

/// Whether a link leads anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStatus {
    /// To a page, an attachment or a directory.
    Good,
    /// To nothing.
    Broken,
}

/// A link, as it is written in a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The page that has it.
    pub from: PagePath,
    /// The path it leads to.
    pub target: String,
}

/// A page that is linked to and does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it would be called, in the first spelling found.
    pub path: PagePath,
    /// The pages that link to it, by path.
    pub from: Vec<PagePath>,
}

/// A link from one page to another, or to a page that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// The page that links.
    pub from: PagePath,
    /// The page it leads to, as stored; as written, if there is none.
    pub to: PagePath,
}

/// How all pages hang together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// By path: all pages, and those that are linked to and do not exist; symbolic links only if they are linked to.
    pub nodes: Vec<PagePath>,
    /// From where to where, as places among the nodes; each once, in order.
    pub edges: Vec<(usize, usize)>,
}

/// The other names that lead to the page `?1`, as keys: one that is the name of a page leads there.
const OTHER_NAMES: &str = "SELECT a.key FROM aliases AS a JOIN pages AS named ON named.id = a.page
    WHERE named.key = ?1 AND NOT EXISTS (SELECT 1 FROM pages WHERE pages.key = a.key)";

fn linking(db: &Connection, condition: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<LinkedFrom>> {
    let sql = format!(
        "SELECT DISTINCT p.path, p.file, p.title FROM links JOIN pages AS p ON p.id = links.page WHERE {condition} ORDER BY p.path"
    );
    let row = |row: &rusqlite::Row<'_>| Ok(LinkedFrom { path: rows::path(row, 0)?, file: row.get(1)?, title: row.get(2)? });
    db.prepare_cached(&sql)?.query_map(values, row)?.collect()
}

impl Index {
    /// The other pages that link to the page `key`, under its own or another name that leads to it, by path.
    pub fn backlinks(&self, key: &PageKey) -> Result<Vec<LinkedFrom>> {
        let condition = format!("links.key IN (SELECT ?1 UNION ALL {OTHER_NAMES}) AND p.key <> ?1 AND {ANSWERS}");
        self.read("look for backlinks", |db| linking(db, &condition, [key.as_str()]))
    }
    /// The pages that link to exactly `key`, whatever answers for it, by path.
    pub fn linking_to(&self, key: &PageKey) -> Result<Vec<LinkedFrom>> {
        let condition = format!("links.key = ?1 AND {ANSWERS}");
        self.read("look for links", |db| linking(db, &condition, [key.as_str()]))
    }
    /// The pages that link to `key` or to anything below it, by path; pages that do not answer for their key, too.
    pub fn linking_to_tree(&self, key: &PageKey) -> Result<Vec<LinkedFrom>> {
        let (from, to) = rows::below(key.as_str());
        let condition = "(links.key = ?1 OR (links.key >= ?2 AND links.key < ?3))";
        self.read("look for links", |db| linking(db, condition, [key.as_str(), &from, &to]))
    }
    /// The pages that show something of the page `key`: its text, or that it is there and what its headings are.
    pub fn showing(&self, key: &PageKey) -> Result<Vec<PageKey>> {
        let key = key.as_str();
        let above = key.match_indices('/').map(|(at, _)| key[..=at].to_string());
        let what: Vec<String> = std::iter::once(key.to_string()).chain(above).chain(["/".to_string()]).collect();
        self.read("look who shows a page", |db| shown_by(db, &what))
    }
    /// The pages that show, or look for, a file beside the page `key`.
    pub fn showing_files(&self, key: &PageKey) -> Result<Vec<PageKey>> {
        self.read("look who shows a file", |db| shown_by(db, &[format!("/{}", key.as_str())]))
    }
    /// All pages and the links between them. Links to files and to screens are none; pictures neither.
    pub fn graph(&self) -> Result<Graph> {
        self.read("look at all links", graph)
    }
    /// The links of one page to pages, by place. Links to files and to screens are none; pictures neither.
    pub fn edges(&self, of: &PageKey) -> Result<Vec<Edge>> {
        let sql = format!(
            "SELECT p.path, links.target,
                coalesce((SELECT q.path FROM pages AS q WHERE q.key = links.key ORDER BY q.file DESC LIMIT 1),
                    (SELECT n.path FROM aliases AS a JOIN pages AS n ON n.id = a.page WHERE a.key = links.key ORDER BY n.file LIMIT 1))
             FROM links JOIN pages AS p ON p.id = links.page WHERE links.kind <> 'image' AND p.key = ?1 AND {ANSWERS} ORDER BY links.number"
        );
        let row = |row: &rusqlite::Row<'_>| {
            let stored = row.get_ref(2)? != rusqlite::types::ValueRef::Null;
            Ok((Edge { from: rows::path(row, 0)?, to: rows::path(row, if stored { 2 } else { 1 })? }, stored))
        };
        self.read("look at links", |db| {
            let found: Vec<(Edge, bool)> = db.prepare_cached(&sql)?.query_map([of.as_str()], row)?.collect::<rusqlite::Result<_>>()?;
            let mut edges = Vec::with_capacity(found.len());
            for (edge, stored) in found {
                if stored || (edge.to.reserved().is_none() && !is_file(db, &edge.to)?) {
                    edges.push(edge);
                }
            }
            Ok(edges)
        })
    }
    /// The links of all pages that lead somewhere, or nowhere, by page and place.
    pub fn links_by_status(&self, status: LinkStatus) -> Result<Vec<Link>> {
        let found = self.read("look at all links", all)?;
        Ok(found
            .into_iter()
            .filter(|link| link.status == status)
            .map(|link| Link { from: link.from, target: link.target.as_str().to_string() })
            .collect())
    }
    /// The pages that are linked to and do not exist, most wanted first. Missing pictures are not wanted pages.
    pub fn wanted(&self) -> Result<Vec<Wanted>> {
        let found = self.read("look at all links", super::care::broken)?;
        let mut wanted: BTreeMap<PageKey, (PagePath, Vec<PagePath>)> = BTreeMap::new();
        for link in found.into_iter().filter(|link| !link.image) {
            wanted.entry(link.target.key()).or_insert_with(|| (link.target, Vec::new())).1.push(link.page);
        }
        let mut wanted: Vec<Wanted> = wanted
            .into_values()
            .map(|(path, mut from)| {
                from.dedup();
                Wanted { path, from }
            })
            .collect();
        wanted.sort_by(|a, b| b.from.len().cmp(&a.from.len()).then_with(|| a.path.cmp(&b.path)));
        Ok(wanted)
    }
}

/// One look at each table and none per link: a wiki has more links than pages.
fn graph(db: &Connection) -> rusqlite::Result<Graph> {
    let mut nodes: Vec<PagePath> = Vec::new();
    let (mut by_id, mut by_key) = (HashMap::new(), HashMap::new());
    // What is a link in the repository is no node of its own.
    let mut is_node: Vec<bool> = Vec::new();
    let mut query = db.prepare_cached(&format!("SELECT p.id, p.key, p.path, p.mode <> 40960 FROM pages AS p WHERE {ANSWERS}"))?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        by_id.insert(row.get::<_, i64>(0)?, nodes.len());
        by_key.insert(row.get::<_, String>(1)?, nodes.len());
        nodes.push(rows::path(row, 2)?);
        is_node.push(row.get(3)?);
    }
    let mut query = db.prepare_cached("SELECT a.key, a.page FROM aliases AS a JOIN pages AS p ON p.id = a.page ORDER BY p.file")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(node) = by_id.get(&row.get::<_, i64>(1)?) {
            by_key.entry(row.get::<_, String>(0)?).or_insert(*node);
        }
    }
    let mut edges: Vec<(usize, usize)> = Vec::new();
    let mut missing: HashMap<String, Option<usize>> = HashMap::new();
    let mut query = db.prepare_cached("SELECT page, key, target FROM links WHERE kind <> 'image'")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let Some(from) = by_id.get(&row.get::<_, i64>(0)?) else { continue };
        let text = |column: usize| row.get_ref(column)?.as_str().map_err(|_| rows::impossible(column));
        let to = match (by_key.get(text(1)?), missing.get(text(2)?)) {
            (Some(page), _) => Some(*page),
            (None, Some(known)) => *known,
            (None, None) => {
                let target = rows::path(row, 2)?;
                let is_page = target.reserved().is_none() && !is_file(db, &target)?;
                let node = is_page.then_some(nodes.len());
                if is_page {
                    nodes.push(target.clone());
                    is_node.push(true);
                }
                missing.insert(target.as_str().to_string(), node);
                node
            }
        };
        if let Some(to) = to {
            is_node[to] = true;
            edges.push((*from, to));
        }
    }
    Ok(ordered(nodes, &is_node, &edges))
}

/// Nodes by path, edges by nodes, each once.
fn ordered(nodes: Vec<PagePath>, is_node: &[bool], edges: &[(usize, usize)]) -> Graph {
    let mut order: Vec<(usize, PagePath)> = nodes.into_iter().enumerate().filter(|(n, _)| is_node[*n]).collect();
    order.sort_by(|(_, a), (_, b)| a.cmp(b));
    let mut place = vec![0; is_node.len()];
    for (now, (before, _)) in order.iter().enumerate() {
        place[*before] = now;
    }
    let mut edges: Vec<(usize, usize)> = edges.iter().map(|(from, to)| (place[*from], place[*to])).collect();
    edges.sort_unstable();
    edges.dedup();
    Graph { nodes: order.into_iter().map(|(_, path)| path).collect(), edges }
}

fn shown_by(db: &Connection, what: &[String]) -> rusqlite::Result<Vec<PageKey>> {
    let mut query = db.prepare_cached("SELECT p.path FROM shows JOIN pages AS p ON p.id = shows.page WHERE what = ?1")?;
    let mut found = Vec::new();
    for what in what {
        for path in query.query_map([what], |row| rows::path(row, 0))? {
            found.push(path?.key());
        }
    }
    Ok(found)
}

struct Judged {
    from: PagePath,
    target: PagePath,
    status: LinkStatus,
}

fn all(db: &Connection) -> rusqlite::Result<Vec<Judged>> {
    let sql = format!(
        "SELECT p.path, links.target, EXISTS (SELECT 1 FROM pages WHERE pages.key = links.key) OR EXISTS (SELECT 1 FROM aliases WHERE aliases.key = links.key)
         FROM links JOIN pages AS p ON p.id = links.page WHERE {ANSWERS} ORDER BY p.path, links.number"
    );
    let row = |row: &rusqlite::Row<'_>| Ok((rows::path(row, 0)?, rows::path(row, 1)?, row.get(2)?));
    let found: Vec<(PagePath, PagePath, bool)> = db.prepare(&sql)?.query_map([], row)?.collect::<rusqlite::Result<_>>()?;
    let mut judged: HashMap<PagePath, LinkStatus> = HashMap::new();
    let judge = |(from, target, is_page): (PagePath, PagePath, bool)| {
        let status = match judged.get(&target) {
            _ if is_page => LinkStatus::Good,
            Some(status) => *status,
            None if leads_nowhere(db, &target)? => LinkStatus::Broken,
            None => LinkStatus::Good,
        };
        judged.insert(target.clone(), status);
        Ok(Judged { from, target, status })
    };
    found.into_iter().map(judge).collect()
}

/// Whether what is no page is no file, no directory, and no screen of a page or of the site either.
pub(super) fn leads_nowhere(db: &Connection, target: &PagePath) -> rusqlite::Result<bool> {
    Ok(target.reserved().is_none() && !is_file(db, target)? && stored_below(db, &target.key())?.is_none())
}

fn is_file(db: &Connection, target: &PagePath) -> rusqlite::Result<bool> {
    if let (Some(page), Ok(name)) = (target.parent(), AttachmentName::parse(target.name())) {
        let sql = "SELECT 1 FROM attachments WHERE key = ?1 AND name = ?2";
        if db.prepare_cached(sql)?.query_row([page.key().as_str(), name.as_str()], |_| Ok(())).optional()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

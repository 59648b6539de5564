//! The preferences of a wiki as values: Otterwiki's keys, words and defaults (spec/wiki.md §1.3), and what they mean for names (§5.2).
//!
//! Stored as text, under Otterwiki's names, unknown keys included; this file alone knows what the text means.

use holt_core::{AccessLevel, AgentPolicy, Direction, Language, PagePath, SubtreeRules};
use holt_markdown::WikilinkStyle;
use std::collections::BTreeMap;

mod agent_policy;
mod path_rules;

pub use agent_policy::write as agent_policy_text;
pub use path_rules::write as path_access_text;

/// Who a new wiki is for (DESIGN §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Everybody may read; members may write.
    Everybody,
    /// Members only.
    Members,
}

/// What holds where a wiki has no row: Otterwiki's defaults of everything an administrator can change there.
const DEFAULTS: &[(&str, &str)] = &[
    ("SITE_NAME", "An Otter Wiki"),
    ("SITE_DESCRIPTION", ""),
    ("SITE_LOGO", ""),
    ("SITE_ICON", ""),
    ("SITE_LANG", "en"),
    // Ours: what the interface speaks, and which way it runs. `SITE_LANG` is what the pages are written in.
    ("LANGUAGE", "en"),
    ("TEXT_DIRECTION", "ltr"),
    ("ROBOTS_TXT", "allow"),
    ("HOME_PAGE", ""),
    ("NOT_FOUND_PAGE", ""),
    ("HIDE_LOGO", "False"),
    ("OPEN_LINKS_IN_NEW_TAB", "False"),
    ("READ_ACCESS", "ANONYMOUS"),
    ("WRITE_ACCESS", "ANONYMOUS"),
    ("ATTACHMENT_ACCESS", "ANONYMOUS"),
    ("PATH_ACCESS", ""),
    ("AGENT_POLICY", ""),
    ("PROPOSAL_DAYS", "30"),
    ("DISABLE_REGISTRATION", "False"),
    ("AUTO_APPROVAL", "True"),
    ("EMAIL_NEEDS_CONFIRMATION", "True"),
    ("NOTIFY_ADMINS_ON_REGISTER", "False"),
    ("NOTIFY_USER_ON_APPROVAL", "False"),
    ("RETAIN_PAGE_NAME_CASE", "False"),
    ("TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES", "False"),
    ("COMMIT_MESSAGE", "REQUIRED"),
    ("DEFAULT_COMMIT_MESSAGE", ""),
    ("WIKILINK_STYLE", ""),
    ("MARKDOWN_EXTRAS", "False"),
    ("COMMENTS", "on"),
    ("SIDEBAR_MENUTREE_MODE", "SORTED"),
    ("SIDEBAR_MENUTREE_FOCUS", "SUBTREE"),
    ("SIDEBAR_MENUTREE_MAXDEPTH", ""),
    ("SIDEBAR_MENUTREE_IGNORE_CASE", "False"),
    ("SIDEBAR_CUSTOM_MENU", ""),
    ("SIDEBAR_SHORTCUTS", "home pageindex createpage"),
    ("GIT_WEB_SERVER", "False"),
    ("GIT_ALLOW_FORCE", "False"),
    ("MAIL_DEFAULT_SENDER", ""),
    ("MAIL_SERVER", ""),
    ("MAIL_PORT", ""),
    ("MAIL_USERNAME", ""),
    ("MAIL_PASSWORD", ""),
    ("MAIL_USE_TLS", "False"),
    ("MAIL_USE_SSL", "False"),
];

/// The rows of a new wiki.
pub(super) fn of_new_wiki(title: &str, audience: Audience) -> Vec<(&'static str, String)> {
    let read = match audience {
        Audience::Everybody => AccessLevel::Anonymous,
        Audience::Members => AccessLevel::Approved,
    };
    [
        ("SITE_NAME", title),
        ("READ_ACCESS", read.as_str()),
        ("WRITE_ACCESS", AccessLevel::Approved.as_str()),
        ("ATTACHMENT_ACCESS", AccessLevel::Approved.as_str()),
        // Whoever registers is nobody yet: approval is what lets people write.
        ("AUTO_APPROVAL", "False"),
        // Until an operator sets mail up, nobody could confirm an address.
        ("EMAIL_NEEDS_CONFIRMATION", "False"),
        ("RETAIN_PAGE_NAME_CASE", "True"),
        ("SIDEBAR_MENUTREE_IGNORE_CASE", "True"),
        ("WIKILINK_STYLE", "LINKTITLE"),
        ("MARKDOWN_EXTRAS", "True"),
        ("COMMIT_MESSAGE", "OPTIONAL"),
        ("SIDEBAR_SHORTCUTS", "home changelog pageindex createpage"),
    ]
    .map(|(name, value)| (name, value.to_string()))
    .into()
}

/// Whether a save needs a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitMessage {
    /// The form insists.
    Required,
    /// The form asks.
    Optional,
    /// The form does not ask; the default message is used.
    Disabled,
}

/// A line of the wiki's own menu (spec/wiki.md §9.4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of Otterwiki's JSON, under their names")]
pub struct MenuItem {
    pub link: String,
    pub title: String,
    pub icon: String,
}

/// Which pages the tree in the menu shows (spec/wiki.md §9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeMode {
    /// None.
    Off,
    /// All, by name.
    Sorted,
    /// All, those with pages below them first.
    DirectoriesFirst,
    /// Those with pages below them.
    DirectoriesOnly,
}

/// The preferences of a wiki at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// `SITE_NAME`.
    pub site_name: String,
    /// `SITE_DESCRIPTION`.
    pub site_description: String,
    /// `SITE_LANG`: what the pages are written in (BCP 47).
    pub site_lang: String,
    /// `LANGUAGE`: what the interface speaks.
    pub language: Language,
    /// `TEXT_DIRECTION`: which way the interface runs. Pages run as their text does.
    pub direction: Direction,
    /// `HOME_PAGE`, empty for the default.
    pub home_page: String,
    /// `READ_ACCESS`.
    pub read_access: AccessLevel,
    /// `WRITE_ACCESS`.
    pub write_access: AccessLevel,
    /// `ATTACHMENT_ACCESS`.
    pub attachment_access: AccessLevel,
    /// `RETAIN_PAGE_NAME_CASE`: names are stored as they are typed.
    pub retain_page_name_case: bool,
    /// `TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES`.
    pub underscore_as_space: bool,
    /// `COMMIT_MESSAGE`.
    pub commit_message: CommitMessage,
    /// `PATH_ACCESS`: parts of the wiki with rights of their own.
    pub path_access: SubtreeRules,
    /// `AGENT_POLICY`: what becomes of changes that programs make.
    pub agent_policy: AgentPolicy,
    /// `PROPOSAL_DAYS`: how long a proposal waits, from 1 to 365 days.
    pub proposal_days: u16,
    /// `WIKILINK_STYLE`.
    pub wikilink_style: WikilinkStyle,
    /// `OPEN_LINKS_IN_NEW_TAB`.
    pub open_links_in_new_tab: bool,
    /// `SIDEBAR_CUSTOM_MENU`.
    pub custom_menu: Vec<MenuItem>,
    /// `SIDEBAR_MENUTREE_MODE`.
    pub tree_mode: TreeMode,
    /// `SIDEBAR_MENUTREE_FOCUS` is `OFF`: the whole tree is unfolded. The other two are one: folded but for the way to the page.
    pub tree_unfolded: bool,
    /// `SIDEBAR_MENUTREE_MAXDEPTH`: levels of the tree; 0 and nothing are no limit.
    pub tree_depth: Option<usize>,
    /// `SITE_LOGO`, `SITE_ICON`: addresses of pictures; empty for ours.
    pub logo: String,
    /// See [`Preferences::logo`].
    pub icon: String,
    ignore_case: bool,
    robots: bool,
    rows: BTreeMap<String, String>,
}

impl Preferences {
    /// From the rows of the table.
    pub fn from_rows(rows: BTreeMap<String, String>) -> Self {
        let text = |name: &str| rows.get(name).map(String::as_str).or_else(|| default(name)).unwrap_or_default();
        let on = |name: &str| matches!(text(name).trim().to_ascii_lowercase().as_str(), "true" | "yes");
        let level = |name: &str| AccessLevel::parse(text(name));
        Self {
            site_name: text("SITE_NAME").to_string(),
            site_description: text("SITE_DESCRIPTION").to_string(),
            site_lang: text("SITE_LANG").to_string(),
            language: Language::of_code(text("LANGUAGE")).unwrap_or_default(),
            direction: if text("TEXT_DIRECTION").trim().eq_ignore_ascii_case("rtl") {
                Direction::RightToLeft
            } else {
                Direction::LeftToRight
            },
            home_page: text("HOME_PAGE").to_string(),
            read_access: level("READ_ACCESS"),
            write_access: level("WRITE_ACCESS"),
            attachment_access: level("ATTACHMENT_ACCESS"),
            retain_page_name_case: on("RETAIN_PAGE_NAME_CASE"),
            underscore_as_space: on("TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES"),
            commit_message: match text("COMMIT_MESSAGE").trim().to_ascii_uppercase().as_str() {
                "OPTIONAL" => CommitMessage::Optional,
                "DISABLED" => CommitMessage::Disabled,
                _ => CommitMessage::Required,
            },
            path_access: path_rules::read(text("PATH_ACCESS")),
            agent_policy: agent_policy::read(text("AGENT_POLICY")),
            proposal_days: text("PROPOSAL_DAYS").trim().parse().ok().filter(|days| (1..=365).contains(days)).unwrap_or(30),
            wikilink_style: WikilinkStyle::from_preference(text("WIKILINK_STYLE")),
            open_links_in_new_tab: on("OPEN_LINKS_IN_NEW_TAB"),
            custom_menu: menu(text("SIDEBAR_CUSTOM_MENU")),
            tree_mode: match text("SIDEBAR_MENUTREE_MODE").trim().to_ascii_uppercase().as_str() {
                "" => TreeMode::Off,
                "DIRECTORIES_GROUPED" => TreeMode::DirectoriesFirst,
                "DIRECTORIES_ONLY" => TreeMode::DirectoriesOnly,
                _ => TreeMode::Sorted,
            },
            tree_unfolded: text("SIDEBAR_MENUTREE_FOCUS").trim().eq_ignore_ascii_case("OFF"),
            tree_depth: text("SIDEBAR_MENUTREE_MAXDEPTH").trim().parse().ok().filter(|depth| *depth > 0),
            logo: picture(text("SITE_LOGO")),
            icon: picture(text("SITE_ICON")),
            ignore_case: on("SIDEBAR_MENUTREE_IGNORE_CASE"),
            robots: text("ROBOTS_TXT").trim().eq_ignore_ascii_case("allow"),
            rows,
        }
    }
    /// A preference as text: the wiki's own, else the default, else nothing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.rows.get(name).map(String::as_str).or_else(|| default(name))
    }
    /// Whether a yes-or-no preference is on.
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(means_yes)
    }
    /// The wiki's own rows.
    pub fn rows(&self) -> &BTreeMap<String, String> {
        &self.rows
    }
    /// What the pages are written in, where that is another language than that of the interface.
    pub fn page_language(&self) -> Option<&str> {
        let tag = self.site_lang.trim();
        (!tag.is_empty() && Language::of_code(tag) != Some(self.language)).then_some(tag)
    }
    /// `ROBOTS_TXT`: whether search engines are welcome.
    pub fn robots_allowed(&self) -> bool {
        self.robots
    }
    /// Whether one of Otterwiki's four shortcuts (`home`, `pageindex`, `changelog`, `createpage`) is pinned to the menu.
    pub fn is_pinned(&self, shortcut: &str) -> bool {
        self.get("SIDEBAR_SHORTCUTS").unwrap_or_default().split_whitespace().any(|pinned| pinned.eq_ignore_ascii_case(shortcut))
    }
    /// What a page is called on screen: every level of its path (spec/wiki.md §5.2). `title` is its first heading.
    pub fn display_name(&self, path: &PagePath, title: Option<&str>) -> String {
        let mut name = String::new();
        if let Some(parent) = path.parent() {
            for segment in parent.segments() {
                name.push_str(&self.display_segment(segment));
                name.push('/');
            }
        }
        name + &self.display_leaf(path, title)
    }
    /// A path as the API shows it (spec/api.md §1.3): it names the same page when it is sent back.
    pub fn display_path(&self, path: &PagePath) -> String {
        if self.retain_page_name_case {
            return path.as_str().to_string();
        }
        let segment = |s: &str| if s.chars().any(char::is_uppercase) { s.to_string() } else { title_case(s) };
        path.segments().map(segment).collect::<Vec<_>>().join("/")
    }
    /// What the last level of a path is called on screen: the first heading if it is the same word in other letters, else the name itself.
    pub fn display_leaf(&self, path: &PagePath, title: Option<&str>) -> String {
        let name = path.name();
        match title.map(str::trim) {
            Some(title) if !self.retain_page_name_case && title.to_lowercase() == name.to_lowercase() => self.spaced(title.to_string()),
            _ => self.display_segment(name),
        }
    }
    /// What one level of a path is called on screen. Names stored in lower case by the wiki get capitals, all others stay.
    pub fn display_segment(&self, segment: &str) -> String {
        let plain = self.retain_page_name_case || segment.chars().any(char::is_uppercase);
        self.spaced(if plain { segment.to_string() } else { title_case(segment) })
    }
    fn spaced(&self, name: String) -> String {
        if self.underscore_as_space { name.replace('_', " ") } else { name }
    }
    /// What siblings in the page tree are sorted by. Equal keys are one node.
    pub fn sort_key(&self, segment: &str) -> String {
        if self.ignore_case || !self.retain_page_name_case { segment.to_lowercase() } else { segment.to_string() }
    }
    /// The path under which a new page is stored.
    pub fn file_case(&self, path: PagePath) -> PagePath {
        if self.retain_page_name_case {
            return path;
        }
        PagePath::parse(&path.as_str().to_lowercase()).unwrap_or(path)
    }
}

fn default(name: &str) -> Option<&'static str> {
    DEFAULTS.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

/// Whether an address may be that of the wiki's logo or icon: a path of this wiki, or elsewhere over TLS.
pub fn is_picture_address(address: &str) -> bool {
    let leads = (address.starts_with('/') && !address.starts_with("//")) || address.starts_with("https://");
    leads && !address.contains(char::is_whitespace)
}

fn picture(address: &str) -> String {
    Some(address.trim()).filter(|address| is_picture_address(address)).unwrap_or_default().to_string()
}

/// Whether a word means yes.
pub fn means_yes(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "yes" | "1" | "on")
}

/// A JSON list of objects; anything else in it is left out.
fn menu(json: &str) -> Vec<MenuItem> {
    let Ok(serde_json::Value::Array(items)) = serde_json::from_str(json) else { return Vec::new() };
    let text = |item: &serde_json::Value, key: &str| item.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_string();
    let item = |item: &serde_json::Value| MenuItem { link: text(item, "link"), title: text(item, "title"), icon: text(item, "icon") };
    items.iter().filter(|v| v.is_object()).map(item).filter(|i| !i.link.is_empty() || !i.title.is_empty()).collect()
}

/// Every word with a capital; an apostrophe begins no word, and a letter without a capital of its own (`ß`) stays.
fn title_case(text: &str) -> String {
    let mut inside = false;
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        let mut upper = c.to_uppercase();
        match (inside, upper.next(), upper.next()) {
            (false, Some(capital), None) => result.push(capital),
            _ => result.push(c),
        }
        inside = c.is_alphabetic() || (inside && matches!(c, '\'' | '’'));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rows: &[(&str, &str)]) -> Preferences {
        Preferences::from_rows(rows.iter().map(|(k, v)| ((*k).to_string(), (*v).to_string())).collect())
    }

    #[test]
    fn names_on_screen_follow_the_reference() {
        let old = with(&[]);
        let path = |p: &str| PagePath::parse(p).unwrap();
        for (stored, shown) in [
            ("home", "Home"),
            ("sub dir/nested_page", "Sub Dir/Nested_Page"),
            ("o'neill's page", "O'neill's Page"),
            ("straße", "Straße"),
            ("ßtart", "ßtart"),
            ("iPhone", "iPhone"),
            ("3d-model", "3D-Model"),
            ("東京", "東京"),
        ] {
            assert_eq!(old.display_name(&path(stored), None), shown);
        }
        assert_eq!(old.display_name(&path("docs/mathjax"), Some("MathJax")), "Docs/MathJax");
        assert_eq!(old.display_name(&path("docs/mathjax"), Some("Formulas")), "Docs/Mathjax");
        let new = with(&[("RETAIN_PAGE_NAME_CASE", "True"), ("TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES", "yes")]);
        assert_eq!(new.display_name(&path("docs/my_page"), Some("MY_PAGE")), "docs/my page");
        assert_eq!(old.file_case(path("Straße/ÄB")).as_str(), "straße/äb");
        assert_eq!(new.file_case(path("Straße/ÄB")).as_str(), "Straße/ÄB");
    }

    #[test]
    fn words_are_read_as_otterwiki_reads_them() {
        let p = with(&[
            ("READ_ACCESS", "registered"),
            ("WRITE_ACCESS", "nobody"),
            ("ROBOTS_TXT", "off"),
            ("WIKILINK_STYLE", "page_name_title"),
            ("OPEN_LINKS_IN_NEW_TAB", "1"),
            ("MINE", "kept"),
        ]);
        assert_eq!(
            (p.read_access, p.write_access, p.attachment_access),
            (AccessLevel::Registered, AccessLevel::Admin, AccessLevel::Anonymous)
        );
        assert!(!p.robots_allowed() && !p.open_links_in_new_tab);
        assert!(matches!(p.wikilink_style, WikilinkStyle::TargetFirst));
        assert_eq!((p.get("MINE"), p.get("SITE_LANG"), p.get("SECRET_KEY")), (Some("kept"), Some("en"), None));
        let menu = with(&[("SIDEBAR_CUSTOM_MENU", r#"[{"link":"/a","title":"A","icon":null}, 3, {}, {"title":"B"}]"#)]).custom_menu;
        assert_eq!(menu.len(), 2);
        assert_eq!(with(&[("SIDEBAR_CUSTOM_MENU", "[broken")]).custom_menu, []);
        assert_eq!(with(&[("SITE_LOGO", "javascript:x")]).logo, "");
        assert_eq!(with(&[("SITE_LOGO", "//evil")]).logo, "");
        assert_eq!(with(&[("SITE_LOGO", " /a/logo.png ")]).logo, "/a/logo.png");
        let german = with(&[("LANGUAGE", "de"), ("TEXT_DIRECTION", "RTL"), ("SITE_LANG", "de-AT")]);
        assert_eq!((german.language, german.direction, german.page_language()), (Language::German, Direction::RightToLeft, None));
        let mixed = with(&[("LANGUAGE", "tlh"), ("TEXT_DIRECTION", "up"), ("SITE_LANG", "he")]);
        assert_eq!((mixed.language, mixed.direction, mixed.page_language()), (Language::English, Direction::LeftToRight, Some("he")));
        let sidebar = with(&[("SIDEBAR_MENUTREE_MODE", ""), ("SIDEBAR_MENUTREE_MAXDEPTH", "0"), ("SIDEBAR_SHORTCUTS", "Home")]);
        assert_eq!((sidebar.tree_mode, sidebar.tree_depth), (TreeMode::Off, None));
        assert!(sidebar.is_pinned("home") && !sidebar.is_pinned("changelog"));
    }
}

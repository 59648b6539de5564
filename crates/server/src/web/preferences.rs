//! Screens of preferences, told from tables: what a field is called here and in Otterwiki, and which values it takes (spec/wiki.md §3.10).

use super::views::{MenuRow, Preference, PreferenceKind, PreferencesView, Problem, tabs};
use super::{Context, problem};
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, PagePath, Result};
use holt_engine::db::preferences::{is_picture_address, means_yes};
use holt_engine::{Admin, pages};
use http::StatusCode;

/// One preference on a screen.
struct Field {
    /// Of the form: Otterwiki's.
    name: &'static str,
    preference: &'static str,
    label: &'static str,
    help: &'static str,
    kind: Kind,
}

/// What it may be.
enum Kind {
    /// A line of text, at most so many characters.
    Text(usize),
    /// The name of a page, or nothing.
    Page,
    /// An address of a picture: a path of this wiki, or https.
    Picture,
    /// Yes or no.
    Switch,
    /// A number, or nothing.
    Number,
    /// One of these: value and words.
    OneOf(&'static [(&'static str, &'static str)]),
}

/// A screen.
pub struct Screen {
    path: &'static str,
    title: &'static str,
    fields: &'static [Field],
    /// Whether the wiki's own menu is edited below.
    menu: Menu,
}

#[derive(PartialEq, Eq)]
enum Menu {
    Shown,
    Hidden,
}

const APPEARANCE: Screen = Screen {
    path: "/-/admin/appearance",
    title: "Appearance",
    menu: Menu::Hidden,
    fields: &[
        Field {
            name: "site_logo",
            preference: "SITE_LOGO",
            label: "Logo",
            help: "Address of a picture beside the name: /Page/logo.png, or https://…",
            kind: Kind::Picture,
        },
        Field {
            name: "site_icon",
            preference: "SITE_ICON",
            label: "Icon",
            help: "Address of the picture in the tab of the browser.",
            kind: Kind::Picture,
        },
        Field {
            name: "language",
            preference: "LANGUAGE",
            label: "Language",
            help: "Of the interface and of mails.",
            // A language is offered in its own words.
            kind: Kind::OneOf(&[("en", "English"), ("de", "Deutsch")]),
        },
        Field {
            name: "text_direction",
            preference: "TEXT_DIRECTION",
            label: "Direction",
            help: "Of the interface. Pages run as their text does.",
            kind: Kind::OneOf(&[("ltr", "Left to right"), ("rtl", "Right to left")]),
        },
        Field {
            name: "site_lang",
            preference: "SITE_LANG",
            label: "Language of the pages",
            help: "As a tag: en, de, pt-BR.",
            kind: Kind::Text(35),
        },
        Field {
            name: "home_page",
            preference: "HOME_PAGE",
            label: "Home page",
            help: "The page at /; empty for Home. An address such as /-/changelog is possible, too.",
            kind: Kind::Page,
        },
        Field {
            name: "not_found_page",
            preference: "NOT_FOUND_PAGE",
            label: "Page for what is missing",
            help: "What it says is shown where there is no page.",
            kind: Kind::Page,
        },
        Field {
            name: "robots_txt",
            preference: "ROBOTS_TXT",
            label: "Search engines",
            help: "",
            kind: Kind::OneOf(&[("allow", "May list this wiki"), ("disallow", "Are asked to stay away")]),
        },
        Field {
            name: "open_links_in_new_tab",
            preference: "OPEN_LINKS_IN_NEW_TAB",
            label: "Links to other sites open in a new tab",
            help: "",
            kind: Kind::Switch,
        },
    ],
};

const CONTENT: Screen = Screen {
    path: "/-/admin/content_and_editing",
    title: "Content and editing",
    menu: Menu::Hidden,
    fields: &[
        Field {
            name: "commit_message",
            preference: "COMMIT_MESSAGE",
            label: "“What did you change?”",
            help: "",
            kind: Kind::OneOf(&[("OPTIONAL", "May be answered"), ("REQUIRED", "Must be answered"), ("DISABLED", "Is not asked")]),
        },
        Field {
            name: "default_commit_message",
            preference: "DEFAULT_COMMIT_MESSAGE",
            label: "Message where nobody is asked",
            help: "",
            kind: Kind::Text(400),
        },
        Field {
            name: "wikilink_style",
            preference: "WIKILINK_STYLE",
            label: "Links in double brackets",
            help: "Changes what existing links mean.",
            kind: Kind::OneOf(&[("", "[[Text|Page]]"), ("LINKTITLE", "[[Page|Text]]")]),
        },
        Field {
            name: "retain_page_name_case",
            preference: "RETAIN_PAGE_NAME_CASE",
            label: "Names of pages keep their capitals",
            help: "",
            kind: Kind::Switch,
        },
        Field {
            name: "treat_underscore_as_space_for_titles",
            preference: "TREAT_UNDERSCORE_AS_SPACE_FOR_TITLES",
            label: "Show _ in names as a space",
            help: "",
            kind: Kind::Switch,
        },
    ],
};

const SIDEBAR: Screen = Screen {
    path: "/-/admin/sidebar_preferences",
    title: "Menu",
    menu: Menu::Shown,
    fields: &[
        Field {
            name: "sidebar_menutree_mode",
            preference: "SIDEBAR_MENUTREE_MODE",
            label: "Pages in the menu",
            help: "",
            kind: Kind::OneOf(&[
                ("SORTED", "All, by name"),
                ("DIRECTORIES_GROUPED", "All, folders first"),
                ("DIRECTORIES_ONLY", "Folders only"),
                ("", "None"),
            ]),
        },
        Field {
            name: "sidebar_menutree_focus",
            preference: "SIDEBAR_MENUTREE_FOCUS",
            label: "Folders",
            help: "",
            kind: Kind::OneOf(&[
                ("TOP", "Folded, but for the way to the page"),
                ("SUBTREE", "The same (Otterwiki: without other folders)"),
                ("OFF", "All unfolded"),
            ]),
        },
        Field {
            name: "sidebar_menutree_maxdepth",
            preference: "SIDEBAR_MENUTREE_MAXDEPTH",
            label: "Levels",
            help: "Empty: as many as there is room for.",
            kind: Kind::Number,
        },
        Field {
            name: "sidebar_menutree_ignore_case",
            preference: "SIDEBAR_MENUTREE_IGNORE_CASE",
            label: "Capitals do not matter for the order",
            help: "",
            kind: Kind::Switch,
        },
    ],
};

/// Shortcuts that can be pinned: field, word, label.
const SHORTCUTS: [(&str, &str, &str); 4] = [
    ("sidebar_shortcut_home", "home", "Home"),
    ("sidebar_shortcut_changelog", "changelog", "Recent changes"),
    ("sidebar_shortcut_pageindex", "pageindex", "All pages"),
    ("sidebar_shortcut_createpage", "createpage", "New page"),
];
/// Most lines of the wiki's own menu, and empty ones to fill in.
const MENU: usize = 100;
const SPARE: usize = 3;

/// `GET /-/admin/appearance`
pub fn appearance(context: &Context<'_>) -> Result<Reply> {
    show(context, &APPEARANCE, StatusCode::OK, None)
}
/// `POST /-/admin/appearance`
pub fn set_appearance(context: &Context<'_>) -> Result<Reply> {
    set(context, &APPEARANCE)
}
/// `GET /-/admin/content_and_editing`
pub fn content(context: &Context<'_>) -> Result<Reply> {
    show(context, &CONTENT, StatusCode::OK, None)
}
/// `POST /-/admin/content_and_editing`
pub fn set_content(context: &Context<'_>) -> Result<Reply> {
    set(context, &CONTENT)
}
/// `GET /-/admin/sidebar_preferences`
pub fn sidebar(context: &Context<'_>) -> Result<Reply> {
    show(context, &SIDEBAR, StatusCode::OK, None)
}
/// `POST /-/admin/sidebar_preferences`
pub fn set_sidebar(context: &Context<'_>) -> Result<Reply> {
    set(context, &SIDEBAR)
}

fn show(context: &Context<'_>, screen: &Screen, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let (preferences, form) = (context.preferences()?, &context.request.body);
    // What was typed comes back with what is wrong about it.
    let typed = problem.is_some();
    let field = |field: &Field| {
        let stored = preferences.get(field.preference).unwrap_or_default();
        let value = if typed { form.get(field.name) } else { stored };
        Preference {
            name: field.name,
            label: field.label,
            help: field.help,
            kind: match &field.kind {
                Kind::Switch => PreferenceKind::Switch(means_yes(value)),
                Kind::OneOf(choices) => {
                    let chosen = |(word, label): &(&'static str, &'static str)| (*word, *label, word.eq_ignore_ascii_case(value.trim()));
                    PreferenceKind::OneOf(choices.iter().map(chosen).collect())
                }
                Kind::Text(_) | Kind::Page | Kind::Picture | Kind::Number => PreferenceKind::Text(value.to_string()),
            },
        }
    };
    let fields = screen.fields.iter().map(field).collect();
    let pinned = |(field, word, label): (&'static str, &str, &'static str)| {
        (field, label, if typed { form.find(field).is_some() } else { preferences.is_pinned(word) })
    };
    let shown = screen.menu == Menu::Shown;
    let mut menu: Vec<MenuRow> = match () {
        () if !shown => Vec::new(),
        () if typed => sent_menu(context),
        () => preferences
            .custom_menu
            .iter()
            .map(|item| MenuRow { link: item.link.clone(), title: item.title.clone(), icon: item.icon.clone() })
            .collect(),
    };
    if shown {
        menu.extend((0..SPARE).map(|_| MenuRow::default()));
    }
    let shortcuts = if shown { SHORTCUTS.map(pinned).into() } else { Vec::new() };
    let notice = context.request.query("saved").map(|_| "Saved.".to_string());
    let view = |csrf| PreferencesView {
        csrf,
        tabs: tabs(screen.path),
        title: screen.title,
        action: screen.path,
        fields,
        shortcuts,
        has_menu: shown,
        menu,
        problem,
        notice,
    };
    context.form(status, screen.title, view)
}

/// The lines of the menu as they were sent; empty ones are left out.
fn sent_menu(context: &Context<'_>) -> Vec<MenuRow> {
    let form = &context.request.body;
    let (titles, icons): (Vec<&str>, Vec<&str>) = (form.all("title").collect(), form.all("icon").collect());
    let row = |(at, link): (usize, &str)| MenuRow {
        link: link.trim().to_string(),
        title: titles.get(at).unwrap_or(&"").trim().to_string(),
        icon: icons.get(at).unwrap_or(&"").trim().to_string(),
    };
    form.all("link").enumerate().map(row).filter(|row| !row.link.is_empty() || !row.title.is_empty()).take(MENU).collect()
}

fn set(context: &Context<'_>, screen: &Screen) -> Result<Reply> {
    let saved = checked(context, screen).and_then(|rows| {
        let rows: Vec<(&str, &str)> = rows.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pages::set_preferences(&context.scope::<Admin>()?, &rows)
    });
    match saved {
        Ok(()) => Ok(see_other(&format!("{}?saved=1", screen.path))),
        Err(error) if error.kind == ErrorKind::Internal => Err(error),
        Err(error) => show(context, screen, crate::error::status(&error), Some(problem(&error))),
    }
}

/// All fields of the screen as rows; nothing is stored unless all of them are right.
fn checked(context: &Context<'_>, screen: &Screen) -> Result<Vec<(&'static str, String)>> {
    let form = &context.request.body;
    let mut rows = Vec::new();
    for field in screen.fields {
        let value = form.get(field.name).trim();
        // Said here already: in one text the label would be a value, which is never translated.
        let language = context.preferences()?.language;
        let wrong = |what: &str, hint: &str| {
            Err(Error::invalid(format!("{}: {}", language.say(field.label), language.say(what))).hint(hint.to_string()))
        };
        if value.chars().any(char::is_control) {
            return wrong("it is one line of text", "Remove the line break.");
        }
        let value = match &field.kind {
            Kind::Switch => if form.find(field.name).is_some_and(means_yes) { "True" } else { "False" }.to_string(),
            Kind::Text(longest) if value.chars().count() > *longest => {
                return wrong("that is too long", &format!("At most {longest} characters."));
            }
            Kind::Text(_) => value.to_string(),
            Kind::Number if !value.bytes().all(|b| b.is_ascii_digit()) || value.len() > 4 => {
                return wrong("that is no number", "Digits, or nothing.");
            }
            Kind::Number => value.to_string(),
            Kind::Picture if !value.is_empty() && !is_picture_address(value) => {
                return wrong("that is no address of a picture", "It begins with / or https://.");
            }
            Kind::Picture => value.to_string(),
            Kind::Page if value.to_ascii_lowercase().ends_with(".md") => return wrong("the name of a page has no .md", "Leave it out."),
            Kind::Page if field.preference == "NOT_FOUND_PAGE" && value.trim_start_matches('/').starts_with("-/") => {
                return wrong("that is no page", "Name a page of the wiki.");
            }
            Kind::Page if !value.is_empty() && !value.starts_with("/-/") => PagePath::parse(value.trim_matches('/'))?.to_string(),
            Kind::Page => value.to_string(),
            Kind::OneOf(choices) => match choices.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)) {
                Some((word, _)) => (*word).to_string(),
                None => return wrong("there is no such choice", "Choose one of the list."),
            },
        };
        rows.push((field.preference, value));
    }
    if screen.menu == Menu::Shown {
        let pinned: Vec<&str> = SHORTCUTS.iter().filter(|(field, ..)| form.find(field).is_some()).map(|(_, word, _)| *word).collect();
        rows.push(("SIDEBAR_SHORTCUTS", pinned.join(" ")));
        let menu: Vec<_> =
            sent_menu(context).into_iter().map(|row| serde_json::json!({"link": row.link, "title": row.title, "icon": row.icon})).collect();
        rows.push(("SIDEBAR_CUSTOM_MENU", if menu.is_empty() { String::new() } else { serde_json::Value::from(menu).to_string() }));
    }
    Ok(rows)
}

//! `{{DataTable}}`: tables that a script makes sortable, and files of comma-separated values as tables (spec/markdown.md §12.8).

use crate::blocks;
use crate::embed::Arguments;
use crate::typed::escape;
use crate::write::Writer;

/// Longest file, most rows and cells that are shown.
const BYTES: u64 = 1024 * 1024;
const ROWS: usize = 10_000;
const CELLS: usize = 50_000;

impl Writer<'_> {
    pub(crate) fn data_table(&mut self, arguments: &Arguments) -> Result<(), String> {
        let table = match arguments.any_case("src") {
            Some(source) => Some(self.table_of_file(source, arguments)?),
            None => None,
        };
        self.push("<div");
        // What the script is told stands in classes: they are harmless wherever they come from.
        let mut class = String::from("datatable-embedding");
        for (option, default) in [("sortable", true), ("searchable", true), ("paging", true)] {
            let set = arguments
                .any_case(option)
                .map_or(default, |value| ["yes", "true", "1", "y"].iter().any(|yes| value.eq_ignore_ascii_case(yes)));
            if !set {
                class.push_str(&format!(" datatable-not-{option}"));
            }
        }
        if let Some(rows) = arguments.any_case("perPage").and_then(|rows| rows.parse::<u32>().ok()).filter(|rows| *rows > 0) {
            class.push_str(&format!(" datatable-rows-{rows}"));
        }
        self.attribute("class", &class);
        self.push(">");
        if let Some(caption) = arguments.any_case("caption").map(str::to_string) {
            self.push("<div class=\"datatable-caption\">");
            self.text(&caption);
            self.line();
            self.push("</div>");
        }
        let from = self.out.html.len();
        match table {
            Some(html) => self.push(&html),
            None => {
                let doc = blocks::split(arguments.content(), &self.syntax, &mut self.definitions, self.depth);
                self.document(doc);
            }
        }
        let has_table = self.out.html[from..].contains("<table");
        self.out.requires.datatables |= has_table;
        self.push("</div>\n");
        if !has_table {
            self.nothing("There is no table in this DataTable.");
        }
        Ok(())
    }

    /// A file as the HTML of a table; its words go to the page's.
    fn table_of_file(&mut self, source: &str, arguments: &Arguments) -> Result<String, String> {
        let path = self.file_path(source)?;
        self.depends_on_file(&path);
        let pages = self.context.pages.ok_or("no page context available.")?;
        let length = pages.file_length(&path).ok_or_else(|| format!("csv attachment \"{source}\" not found."))?;
        let cost = usize::try_from(length).unwrap_or(usize::MAX);
        if length > BYTES {
            return Err(format!("csv attachment \"{source}\" is longer than {} KiB.", BYTES / 1024));
        }
        self.charge(cost)?;
        let bytes = pages.file(&path).ok_or_else(|| format!("csv attachment \"{source}\" not found."))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("csv attachment \"{source}\" is not UTF-8 text."))?;
        let rows = records(&text, arguments)?;
        let (html, words) = table(rows, arguments)?;
        self.out.text.push_str(&words);
        Ok(html)
    }
}

type Record = Vec<String>;

fn records(text: &str, arguments: &Arguments) -> Result<Vec<Record>, String> {
    let one = |names: &[&str], default: u8| -> Result<u8, String> {
        let Some(value) = names.iter().find_map(|name| arguments.any_case(name)) else { return Ok(default) };
        match value {
            "\\t" | "tab" => Ok(b'\t'),
            value if value.len() == 1 => Ok(value.as_bytes()[0]),
            _ => Err(format!("{} is one ASCII character.", names[0])),
        }
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(one(&["delimiter", "sep", "separator"], b';')?)
        .quote(one(&["quotechar"], b'"')?)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut rows = Vec::new();
    let mut cells = 0;
    for record in reader.records().take(ROWS) {
        let record = record.map_err(|error| error.to_string())?;
        cells += record.len();
        if cells > CELLS {
            return Err(format!("more than {CELLS} cells."));
        }
        rows.push(record.iter().map(|cell| cell.trim().to_string()).collect());
    }
    Ok(rows)
}

fn table(mut rows: Vec<Record>, arguments: &Arguments) -> Result<(String, String), String> {
    let mut head = if arguments.flag("header", true) && !rows.is_empty() { Some(rows.remove(0)) } else { None };
    let width = rows.iter().chain(&head).map(Vec::len).max().unwrap_or(0);
    let columns = chosen(head.as_deref().unwrap_or_default(), width, arguments);
    if let Some(labels) = arguments.any_case("headers") {
        let labels: Record = labels.split(',').map(|label| label.trim().to_string()).collect();
        // They name the columns as shown.
        let mut named = vec![String::new(); width];
        for (column, label) in columns.iter().zip(labels) {
            named[*column].clone_from(&label);
        }
        head = Some(named);
    }
    if columns.len() * (rows.len() + 1) > CELLS {
        return Err(format!("more than {CELLS} cells."));
    }
    let (mut html, mut words) = (String::from("<table>\n"), String::new());
    let mut row = |html: &mut String, tag: &str, cells: &[String]| {
        html.push_str("<tr>");
        for column in &columns {
            let cell = cells.get(*column).map(String::as_str).unwrap_or_default();
            html.push_str(&format!("<{tag}>"));
            escape(html, cell);
            html.push_str(&format!("</{tag}>"));
            words.push_str(cell);
            words.push(' ');
        }
        words.push('\n');
        html.push_str("</tr>\n");
    };
    if let Some(head) = &head {
        html.push_str("<thead>\n");
        row(&mut html, "th", head);
        html.push_str("</thead>\n");
    }
    html.push_str("<tbody>\n");
    rows.iter().for_each(|cells| row(&mut html, "td", cells));
    html.push_str("</tbody>\n</table>\n");
    Ok((html, words))
}

/// Which columns are shown, in which order, from 0.
fn chosen(head: &[String], width: usize, arguments: &Arguments) -> Vec<usize> {
    if let Some(list) = arguments.any_case("columns") {
        let find = |name: &str| match name.parse::<usize>() {
            Ok(number) => number.checked_sub(1).filter(|column| *column < width),
            Err(_) => head.iter().position(|label| label == name),
        };
        return once(list.split(',').filter_map(|name| find(name.trim())));
    }
    if let Some(list) = arguments.any_case("column0") {
        return once(list.split(',').filter_map(|number| number.trim().parse().ok()).filter(|column| *column < width));
    }
    (0..width).collect()
}

/// Each column once: a long cell could fill a page otherwise.
fn once(columns: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut seen = Vec::new();
    for column in columns {
        if !seen.contains(&column) {
            seen.push(column);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, options: &str) -> String {
        let arguments = Arguments::parse(options);
        table(records(text, &arguments).unwrap(), &arguments).unwrap().0.replace('\n', "")
    }

    #[test]
    fn files_become_tables() {
        let text = "a;b\n1;\"x;\"\"<\"\n2\n";
        assert_eq!(
            shown(text, ""),
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>x;&quot;&lt;</td></tr><tr><td>2</td><td></td></tr></tbody></table>"
        );
        assert_eq!(
            shown("a,b\n1,2", "|sep=,|columns=b,1,no"),
            "<table><thead><tr><th>b</th><th>a</th></tr></thead><tbody><tr><td>2</td><td>1</td></tr></tbody></table>"
        );
        assert_eq!(shown("1\t2", "|delimiter=\\t|header=false|column0=1"), "<table><tbody><tr><td>2</td></tr></tbody></table>");
        assert_eq!(
            shown("a;b\n1;2", "|headers=X,Y"),
            "<table><thead><tr><th>X</th><th>Y</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
        );
        assert_eq!(shown("", ""), "<table><tbody></tbody></table>");
        assert!(records("a", &Arguments::parse("|sep=ab")).is_err());
    }
}

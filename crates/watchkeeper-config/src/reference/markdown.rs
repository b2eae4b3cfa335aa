//! The keys as a document.

use super::rows::ROWS;
use super::{Change, Row, Shape};

const HEAD: &str = "\
# Configuration reference

Every key of `watchkeeper.toml`; [config/watchkeeper.toml](../config/watchkeeper.toml) is a file that has them all. This
page is written by `watchkeeper config reference`, and a test holds it to the code. `watchkeeper config schema` prints the
same for editors, as the JSON Schema that lies in [watchkeeper.schema.json](watchkeeper.schema.json): with the line
`#:schema <path or URL>` at the top of a file, editors that know TOML complete keys and mark what is wrong.

Who wins, later ones over earlier ones: the defaults; LiteLLM's own variables; a LiteLLM file; the TOML file; variables of
the form `WATCHKEEPER__SECTION__KEY`; flags (`--set section.key=value` sets any). `watchkeeper config show` prints what
holds in the end and who said so.

* **Text** may always be a reference: `env:NAME` or `os.environ/NAME` (it is an error if the variable is not set), or
  `file:PATH` (what the file holds, without its last line break). Paths start at the file's directory.
* **Duration** is written like `5m`, `1h30m`, `500ms`, or as plain seconds.
* **List** is written in a variable as TOML writes it, or with commas.
* **Changed by** says what a running pod needs for a new value: a reload (`SIGHUP`, a changed file, `POST /v1/reload`), or
  a restart.
";

/// The reference as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let mut section = "";
    for row in ROWS {
        let here = section_of(row.path);
        if here != section {
            section = here;
            let title = if section == "checks[]" {
                "[[checks]]".to_owned()
            } else {
                format!("[{section}]")
            };
            text += &format!(
                "\n## `{title}`\n\n| key | type | default | variable | changed by | meaning |\n| --- | --- | --- | --- | --- | --- |\n"
            );
        }
        text += &line(row, section);
    }
    text
}

/// The table that a key stands in, to the second level: `backend.redis.tls.ca` is one of `backend.redis`.
fn section_of(path: &'static str) -> &'static str {
    let end = match path.match_indices('.').map(|(at, _)| at).nth(1) {
        Some(second) if path.starts_with("backend.") => second,
        _ => path.find('.').unwrap_or(path.len()),
    };
    path.get(..end).unwrap_or(path)
}

fn line(row: &Row, section: &str) -> String {
    let key = row.path.strip_prefix(section).unwrap_or(row.path);
    let key = key.trim_start_matches('.').replace('*', "<name>");
    let default = match row.default() {
        Some(default) => format!("`{default}`"),
        None if row.unset.is_empty() => "none".to_owned(),
        None => row.unset.to_owned(),
    };
    let variable = row
        .variable()
        .map_or_else(String::new, |name| format!("`{name}`"));
    let change = match row.change {
        Change::Reload => "reload",
        Change::Restart => "restart",
    };
    let mut help = row.help.to_owned();
    if !row.litellm.is_empty() {
        help += &format!(" LiteLLM: {}.", row.litellm);
    }
    format!(
        "| `{key}` | {} | {default} | {variable} | {change} | {help} |\n",
        shape(row.shape)
    )
}

fn shape(shape: Shape) -> String {
    let words = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        words.join(", ")
    };
    match shape {
        Shape::Text | Shape::Opaque => "text".into(),
        Shape::Word(known) => words(known),
        Shape::Span => "duration".into(),
        Shape::Whole(least, most) => format!("{least} to {most}"),
        Shape::Share(Some(most)) => format!("0 to {most}"),
        Shape::Share(None) => "number".into(),
        Shape::Flag => "true, false".into(),
        Shape::Texts => "list".into(),
        Shape::Words(known) => format!("list of {}", words(known)),
        Shape::NamedTexts => "table of texts".into(),
        Shape::Anything => "table".into(),
    }
}

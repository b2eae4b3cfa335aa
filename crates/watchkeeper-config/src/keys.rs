//! Every key there is, with its default: the one table behind defaults, hints and what `config show` hides.

/// How a value may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One value.
    One,
    /// One value that must not be seen.
    Secret,
    /// A list; a variable gives it as TOML writes it, or with commas.
    List,
    /// A list of secrets.
    Secrets,
    /// A table or list of tables, as TOML writes it.
    Tables,
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// With its tables, joined by dots.
    pub(crate) path: &'static str,
    /// How the default is written; none where there is none, or where it depends on other keys.
    pub(crate) default: Option<&'static str>,
    /// How a value may be written.
    pub(crate) kind: Kind,
}

const fn key(path: &'static str, default: &'static str) -> Key {
    Key {
        path,
        default: Some(default),
        kind: Kind::One,
    }
}

const fn optional(path: &'static str, kind: Kind) -> Key {
    Key {
        path,
        default: None,
        kind,
    }
}

/// All keys but those of a check, in the order in which they are shown.
pub(crate) const KEYS: &[Key] = &[
    key("fleet.name", "default"),
    optional("fleet.secret", Kind::Secret),
    optional("fleet.pod_id", Kind::One),
    key("coordination.enabled", "true"),
    key("coordination.background", "true"),
    key("coordination.interval", "5m"),
    key("coordination.lock_ttl", "60s"),
    optional("coordination.cache_ttl", Kind::One),
    key("coordination.lock_scope", "fleet"),
    key("coordination.jitter", "0.05"),
    optional("backend.kind", Kind::One),
    key("backend.timeout", "500ms"),
    optional("backend.redis.url", Kind::Secret),
    optional("backend.redis.host", Kind::One),
    optional("backend.redis.port", Kind::One),
    optional("backend.redis.db", Kind::One),
    optional("backend.redis.username", Kind::One),
    optional("backend.redis.password", Kind::Secret),
    optional("backend.redis.ssl", Kind::One),
    optional("backend.redis.namespace", Kind::One),
    optional("backend.redis.tls.ca", Kind::One),
    optional("backend.redis.tls.cert", Kind::One),
    optional("backend.redis.tls.key", Kind::One),
    optional("backend.redis.tls.server_name", Kind::One),
    optional("backend.redis.sentinel.master", Kind::One),
    optional("backend.redis.sentinel.nodes", Kind::List),
    optional("backend.redis.sentinel.username", Kind::One),
    optional("backend.redis.sentinel.password", Kind::Secret),
    optional("backend.redis.cluster", Kind::List),
    optional("backend.etcd.endpoints", Kind::List),
    optional("backend.etcd.username", Kind::One),
    optional("backend.etcd.password", Kind::Secret),
    optional("backend.etcd.tls.ca", Kind::One),
    optional("backend.etcd.tls.cert", Kind::One),
    optional("backend.etcd.tls.key", Kind::One),
    optional("backend.etcd.tls.server_name", Kind::One),
    key("probe.concurrency", "16"),
    key("probe.timeout", "60s"),
    key("probe.healthy_after", "1"),
    key("probe.unhealthy_after", "1"),
    key("probe.spread", "0s"),
    key("probe.probe", "auto"),
    optional("probe.intervals.inference", Kind::One),
    optional("probe.healthy_outcomes", Kind::List),
    optional("probe.ca", Kind::One),
    key("probe.proxy", "true"),
    optional("probe.headers", Kind::Tables),
    optional("probe.providers", Kind::Tables),
    optional("budget.per_day", Kind::One),
    optional("budget.providers", Kind::Tables),
    key("http.listen", "127.0.0.1:4100"),
    Key {
        path: "http.api_keys",
        default: None,
        kind: Kind::Secrets,
    },
    key("http.allow_anonymous", "false"),
    key("http.metrics_auth", "false"),
    key("http.public_dashboard", "false"),
    key("http.drain", "10s"),
    key("log.level", "info"),
    key("log.format", "text"),
    optional("litellm.config", Kind::One),
    key("litellm.details", "true"),
    optional("litellm.wire", Kind::One),
    optional("litellm.cost_map", Kind::One),
    optional("checks", Kind::Tables),
];

/// The keys of one entry of `[[checks]]`.
pub(crate) const CHECK_KEYS: [&str; 16] = [
    "name",
    "model",
    "http",
    "tcp",
    "api_key",
    "api_base",
    "mode",
    "timeout",
    "probe",
    "intervals",
    "max_tokens",
    "base_model",
    "input_cost_per_token",
    "output_cost_per_token",
    "cost_per_call",
    "params",
];
/// The keys of one provider below `probe.providers`.
const PROVIDER_KEYS: [&str; 3] = ["probe", "intervals", "concurrency"];
/// The keys of a table `intervals`.
const INTERVAL_KEYS: [&str; 1] = ["inference"];

/// What is known of a key.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// A remark on an unknown key that begins with a comma: the nearest known one, else all that are known there.
pub(crate) fn hint(table: &str, name: &str) -> String {
    let known = children(table);
    if let Some(near) = nearest(name, &known) {
        return format!(", did you mean `{near}`?");
    }
    let mut elsewhere = KEYS.iter().filter_map(|key| {
        let (table, leaf) = key.path.rsplit_once('.')?;
        (leaf == name).then_some(table)
    });
    if let Some(table) = elsewhere.next() {
        return format!(", but `[{table}]` has a key of this name");
    }
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    if known.is_empty() {
        return String::new();
    }
    format!(", known here: {}", known.join(", "))
}

/// The names that may stand in a table, each once.
fn children(table: &str) -> Vec<&'static str> {
    match table.split('.').collect::<Vec<_>>().as_slice() {
        ["checks", _, "intervals"] | ["probe", "providers", _, "intervals"] => {
            return INTERVAL_KEYS.to_vec();
        }
        ["checks", ..] => return CHECK_KEYS.to_vec(),
        ["probe", "providers", _] => return PROVIDER_KEYS.to_vec(),
        _ => {}
    }
    let mut names = Vec::new();
    for key in KEYS {
        let rest = if table.is_empty() {
            Some(key.path)
        } else {
            key.path
                .strip_prefix(table)
                .and_then(|rest| rest.strip_prefix('.'))
        };
        if let Some(name) = rest.and_then(|rest| rest.split('.').next())
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// The name that a slip of the finger away from it was meant: at most one edit in three letters.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let length = name.chars().count();
    let near = |edits: usize, candidate: &str| edits * 3 <= candidate.len().max(3);
    known
        .iter()
        // It takes at least so many edits, and counting them for a word of a megabyte takes minutes.
        .filter(|candidate| near(length.abs_diff(candidate.chars().count()), candidate))
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), *candidate))
        .filter(|(edits, candidate)| near(*edits, candidate))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_met_with_the_nearest_one() {
        for (table, name, hint_holds) in [
            ("coordination", "intervall", "`interval`"),
            ("coordination", "lock-ttl", "`lock_ttl`"),
            ("", "bakend", "`backend`"),
            ("checks", "api_bas", "`api_base`"),
            ("checks.0", "nmae", "`name`"),
            ("backend.redis.tls", "ca_", "`ca`"),
            ("backend.redis.sentinel", "node", "`nodes`"),
            ("backend.etcd", "endpoint", "`endpoints`"),
            ("checks.0.intervals", "inferenc", "`inference`"),
            ("probe.intervals", "inferenc", "`inference`"),
            ("probe.providers.openai", "concurency", "`concurrency`"),
            ("budget", "perday", "`per_day`"),
            ("", "interval", "`[coordination]` has a key"),
            ("log", "zzz", "known here: `level`, `format`"),
            ("http.listen", "zzz", ""),
        ] {
            let hint = hint(table, name);
            assert!(hint.contains(hint_holds), "{table}.{name}: {hint}");
        }
    }

    #[test]
    fn the_commented_file_has_every_key_and_no_other() {
        let text = include_str!("../../../config/watchkeeper.toml");
        // A comment that holds an assignment is a key without a default.
        let text: Vec<&str> = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.split(' ').nth(1) == Some("=") => rest,
                _ => line,
            })
            .collect();
        let file = crate::source::toml::parse("f", text.join("\n").as_bytes()).unwrap();
        for key in KEYS {
            assert!(file.lines.contains_key(key.path), "{} is missing", key.path);
        }
        for name in CHECK_KEYS {
            let mut paths = file.lines.keys();
            assert!(
                paths.any(|path| path.starts_with("checks.") && path.ends_with(name)),
                "{name} is missing"
            );
        }
        for path in file.lines.keys().filter(|path| {
            !path.starts_with("checks.") && !path.ends_with(|c: char| c.is_ascii_digit())
        }) {
            let table = KEYS
                .iter()
                .any(|key| key.path.starts_with(&format!("{path}.")));
            let mut tables = KEYS.iter().filter(|key| key.kind == Kind::Tables);
            let named = tables.any(|key| path.starts_with(&format!("{}.", key.path)));
            assert!(
                table || named || find(path).is_some(),
                "{path} is not known"
            );
        }
    }
}

//! Texts that are no YAML because they are something else: a template, a manifest.

use super::load::{At, YamlError};

/// What stands at the top of a Kubernetes manifest.
const MANIFEST: [&str; 2] = ["apiVersion:", "kind:"];
/// What to do with a manifest.
pub(crate) const MANIFEST_HINT: &str = "this is a Kubernetes manifest: give the configuration that stands in it, \
                                        as it is mounted into the pod";

/// The error with its likelier cause.
pub(super) fn explain(text: &str, error: YamlError) -> YamlError {
    if let Some(at) = bare_template(text).filter(|at| at.line <= error.at.line) {
        return YamlError {
            at,
            why: "this looks like a template, which has to be rendered first: give the file that comes out of it"
                .into(),
        };
    }
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    if MANIFEST.into_iter().all(has) {
        return YamlError {
            why: format!("{}; {MANIFEST_HINT}", error.why),
            ..error
        };
    }
    error
}

/// Where a template's mark stands outside of quotes and comments.
fn bare_template(text: &str) -> Option<At> {
    marks(text).find_map(|(at, before)| {
        let quoted = before.contains(['"', '\'']) || before.trim_start().starts_with('#');
        (!quoted).then_some(at)
    })
}

/// The line of a template's mark that YAML takes for text, if there is one: nobody has rendered it.
pub(crate) fn quoted_template(text: &str) -> Option<usize> {
    marks(text).find_map(|(at, before)| {
        let comment = before.trim_start().starts_with('#') || before.contains(" #");
        (!comment).then_some(at.line)
    })
}

/// Every first `{{` or `{%` of a line that has its other half, and what stands before it.
fn marks(text: &str) -> impl Iterator<Item = (At, &str)> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let found = [("{{", "}}"), ("{%", "%}")]
            .into_iter()
            .filter_map(|(open, close)| {
                let at = line.find(open)?;
                line.get(at..)?.contains(close).then_some(at)
            });
        let before = line.get(..found.min()?)?;
        let at = At {
            line: index + 1,
            column: before.chars().count() + 1,
        };
        Some((at, before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::load;

    fn refused(text: &str) -> (usize, usize, String) {
        let error = load(text.as_bytes()).unwrap_err();
        (error.at.line, error.at.column, error.why)
    }

    #[test]
    fn a_template_is_one_clear_error_at_its_first_mark() {
        for (text, line, column) in [
            ("{% if a %}\nmodel_list: []\n{% endif %}\n", 1, 1),
            ("model_list:\n  - model_name: {{ name }}\n", 2, 17),
            ("# {{ c }}\na: '{{ q }}'\nb: {{ x }}\n", 3, 4),
            (
                "{{- if .Values.on }}\nkind: ConfigMap\napiVersion: v1\n",
                1,
                1,
            ),
        ] {
            let (at_line, at_column, why) = refused(text);
            assert_eq!((at_line, at_column), (line, column), "{text}");
            assert!(
                why.contains("template") && why.contains("rendered first"),
                "{why}"
            );
        }
    }

    #[test]
    fn a_mark_in_quotes_is_text_and_no_excuse_for_another_error() {
        assert!(load(b"a: '{{ x }}'\n").is_ok());
        let (line, _, why) = refused("a: '{{ x }}'\nb: [\n");
        assert!(!why.contains("template"), "{line}: {why}");
        assert_eq!(quoted_template("a: 1\nb: '{{ x }}'\n"), Some(2));
        assert_eq!(
            quoted_template("a: {}\n# {{ x }}\nb: 1 # {{ y }}\nc: '{{'\n"),
            None
        );
    }

    #[test]
    fn an_error_has_its_column() {
        let (line, column, _) = refused("a: 1\nb: x: y\n");
        assert_eq!(line, 2);
        assert!(column > 1, "{column}");
        assert_eq!(refused("a: é\u{7}\n").1, 5);
    }

    #[test]
    fn several_manifests_are_told_from_a_configuration() {
        let (line, _, why) =
            refused("apiVersion: v1\nkind: Namespace\n---\napiVersion: v1\nkind: ConfigMap\n");
        assert_eq!(line, 3);
        assert!(
            why.contains("one document") && why.contains("Kubernetes"),
            "{why}"
        );
    }
}

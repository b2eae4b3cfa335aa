//! Answers in which a content filter took the word: the call went through, and users get nothing of what they asked for.

use serde_json::Value;

use crate::judge::at;

/// Where an answer says so, and the words by which it does; no words: any text.
const SIGNS: [(&str, &[&str]); 4] = [
    // Anthropic
    ("stop_reason", &["refusal"]),
    // Google: the question, the answer, a picture
    ("promptFeedback.blockReason", &[]),
    ("candidates.0.finishReason", &GOOGLE),
    ("predictions.0.raiFilteredReason", &[]),
];

/// Google's reasons to stop that are a filter's.
const GOOGLE: [&str; 9] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
];

/// What the filter said, if one spoke: the field and its word.
pub(crate) fn reason(json: &Value) -> Option<String> {
    SIGNS.iter().find_map(|(path, words)| {
        let word = at(json, path)?.as_str().filter(|word| !word.is_empty())?;
        let is_sign = words.is_empty() || words.contains(&word);
        let field = path.rsplit('.').next().unwrap_or(path);
        is_sign.then(|| format!("`{field}` is `{word}`"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_is_told_from_an_ordinary_end() {
        for (json, want) in [
            (
                json!({"stop_reason": "refusal"}),
                Some("`stop_reason` is `refusal`"),
            ),
            (json!({"stop_reason": "max_tokens"}), None),
            (
                json!({"promptFeedback": {"blockReason": "JAILBREAK"}}),
                Some("`blockReason` is `JAILBREAK`"),
            ),
            (json!({"promptFeedback": {}}), None),
            (
                json!({"candidates": [{"finishReason": "SAFETY"}]}),
                Some("`finishReason` is `SAFETY`"),
            ),
            (
                json!({"candidates": [{"finishReason": "MAX_TOKENS"}]}),
                None,
            ),
            (
                json!({"predictions": [{"raiFilteredReason": "violates"}]}),
                Some("`raiFilteredReason` is `violates`"),
            ),
        ] {
            assert_eq!(reason(&json).as_deref(), want, "{json}");
        }
    }
}

//! The modes that LiteLLM knows, and what people write in their place.

/// All of them, health checks and cost map together.
const KNOWN: [&str; 21] = [
    "anthropic_messages",
    "audio_speech",
    "audio_transcription",
    "batch",
    "chat",
    "completion",
    "decisions",
    "embedding",
    "evaluation",
    "extraction",
    "guardrail",
    "image_edit",
    "image_generation",
    "moderation",
    "ocr",
    "realtime",
    "rerank",
    "responses",
    "search",
    "vector_store",
    "video_generation",
];

/// Words that are far from what they mean.
const SYNONYMS: [(&str, &str); 2] = [("embeddings", "embedding"), ("tts", "audio_speech")];

/// Most slips of the finger in one word.
const MAX_EDITS: usize = 2;

/// The mode that a word was meant to be, if it is none but close to one. A short word bears one slip only: two would make
/// it any other.
#[must_use]
pub fn meant(word: &str) -> Option<&'static str> {
    if KNOWN.contains(&word) {
        return None;
    }
    if let Some((_, mode)) = SYNONYMS.iter().find(|(near, _)| *near == word) {
        return Some(mode);
    }
    let length = word.chars().count();
    let near = |edits: usize, mode: &str| edits <= MAX_EDITS && edits * 3 <= mode.len();
    KNOWN
        .into_iter()
        // It takes at least so many edits, and counting them for a word of a megabyte takes minutes.
        .filter(|mode| near(length.abs_diff(mode.len()), mode))
        .map(|mode| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), mode),
                mode,
            )
        })
        .filter(|(edits, mode)| near(*edits, mode))
        .min()
        .map(|(_, mode)| mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_corrected_and_a_known_or_strange_word_is_not() {
        for (word, mode) in [
            ("embeddings", Some("embedding")),
            ("embeding", Some("embedding")),
            ("tts", Some("audio_speech")),
            ("image-generation", Some("image_generation")),
            ("Chat", Some("chat")),
            ("response", Some("responses")),
            ("re-rank", Some("rerank")),
            ("audio_transcriptions", Some("audio_transcription")),
            ("chat", None),
            ("video_generation", None),
            ("image_edit", None),
            ("text-to-speech", None),
            ("cat ", None),
            ("or", Some("ocr")),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(word), mode, "{word}");
        }
    }

    #[test]
    fn a_word_of_a_megabyte_is_no_work() {
        assert_eq!(meant(&"x".repeat(1 << 20)), None);
    }
}

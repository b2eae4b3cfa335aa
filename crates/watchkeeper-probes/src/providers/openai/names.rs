//! What a model's name says of its mode: OpenAI's own names, and those of open models that servers behind OpenAI's API
//! are used for. Only names that mean one thing wherever they stand.

use crate::tokens::{family_of, is_family, last_segment};

/// A part of a name.
enum Part {
    Whole(&'static str),
    Start(&'static str),
    Within(&'static str),
    End(&'static str),
}

use Part::{End, Start, Whole, Within};

impl Part {
    fn is_of(&self, name: &str) -> bool {
        match self {
            Whole(whole) => name == *whole,
            Start(start) => name.starts_with(start),
            Within(within) => name.contains(within),
            End(end) => name.ends_with(end),
        }
    }
}

/// Parts of names in small letters, and the mode that they mean in LiteLLM's words. First match wins.
const MODES: &[(&str, &[Part])] = &[
    (
        "realtime",
        &[Start("gpt-realtime"), Within("-realtime-preview")],
    ),
    (
        "video_generation",
        &[Start("sora-"), Start("grok-imagine-video")],
    ),
    ("ocr", &[Start("mistral-ocr")]),
    ("rerank", &[Within("rerank")]),
    (
        "embedding",
        &[
            Start("text-embedding-"),
            Within("embed"),
            Start("bge-"),
            Start("e5-"),
            Start("multilingual-e5-"),
            Start("gte-"),
            Start("all-minilm"),
            Start("all-mpnet-"),
            Start("paraphrase-m"),
            Start("uae-large-"),
            Start("sentence-t5-"),
            Start("gtr-t5-"),
            Start("voyage-"),
        ],
    ),
    (
        "audio_transcription",
        &[Start("whisper"), Within("-whisper"), Within("-transcribe")],
    ),
    (
        "audio_speech",
        &[
            Whole("tts"),
            Start("tts-"),
            Within("-tts-"),
            End("-tts"),
            Start("kokoro"),
        ],
    ),
    (
        "moderation",
        &[
            Start("omni-moderation-"),
            Start("text-moderation-"),
            Start("mistral-moderation-"),
        ],
    ),
    (
        "image_generation",
        &[
            Start("dall-e-"),
            Start("gpt-image-"),
            Start("chatgpt-image-"),
            Start("flux-"),
            Start("flux."),
            Start("stable-diffusion-"),
            Start("sdxl-"),
            Start("grok-2-image"),
            Start("grok-imagine-image"),
        ],
    ),
    (
        "completion",
        &[
            Start("gpt-3.5-turbo-instruct"),
            Start("davinci-002"),
            Start("babbage-002"),
        ],
    ),
];

/// The mode of a model, in LiteLLM's words; `None` where the name says nothing.
pub(crate) fn mode(model: &str) -> Option<&'static str> {
    if model.starts_with("responses/") || only_responds(model) {
        return Some("responses");
    }
    let name = last_segment(model).to_ascii_lowercase();
    MODES
        .iter()
        .find(|(_, parts)| parts.iter().any(|part| part.is_of(&name)))
        .map(|(mode, _)| *mode)
}

/// Whether one of OpenAI's models wants more than a few words: sound (`gpt-audio`), a tool (`o3-deep-research`,
/// `computer-use-preview`), or the price of a search with each answer (`gpt-4o-search-preview`).
pub(crate) fn wants_more(model: &str) -> bool {
    let name = family_of(model);
    let is_gpt = name.starts_with("gpt-");
    is_family(name, "gpt-audio")
        || is_gpt && name.contains("-audio-preview")
        || is_gpt
            && ["-search-preview", "-search-api"]
                .iter()
                .any(|part| name.contains(part))
        || [
            "o3-deep-research",
            "o4-mini-deep-research",
            "computer-use-preview",
        ]
        .iter()
        .any(|family| is_family(name, family))
}

/// Whether OpenAI makes nothing but responses with a model: those for code, research and the longest thoughts.
pub(crate) fn only_responds(model: &str) -> bool {
    let name = family_of(model);
    let is_openais = ["o1", "o3", "o4", "gpt-5"]
        .iter()
        .any(|family| is_family(name, family));
    let special = ["-pro", "-codex", "-deep-research"].iter().any(|kind| {
        name.split_once(kind)
            .is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with('-'))
    });
    (is_openais && special)
        || name.starts_with("computer-use-preview")
        || is_family(name, "codex-mini")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_one_thing_tell_the_mode_and_others_tell_nothing() {
        for (model, want) in [
            ("text-embedding-3-small", Some("embedding")),
            ("BAAI/bge-m3", Some("embedding")),
            ("BAAI/bge-reranker-v2-m3", Some("rerank")),
            ("nomic-embed-text:latest", Some("embedding")),
            ("Qwen/Qwen3-Embedding-8B", Some("embedding")),
            ("Qwen/Qwen3-Reranker-8B", Some("rerank")),
            ("intfloat/e5-mistral-7b-instruct", Some("embedding")),
            ("mistral-embed", Some("embedding")),
            ("whisper-1", Some("audio_transcription")),
            (
                "Systran/faster-whisper-large-v3",
                Some("audio_transcription"),
            ),
            ("gpt-4o-mini-transcribe", Some("audio_transcription")),
            ("tts-1-hd", Some("audio_speech")),
            ("gpt-4o-mini-tts", Some("audio_speech")),
            ("playai-tts-arabic", Some("audio_speech")),
            ("dall-e-3", Some("image_generation")),
            ("gpt-image-1-mini", Some("image_generation")),
            ("sora-2", Some("video_generation")),
            ("omni-moderation-latest", Some("moderation")),
            ("gpt-realtime", Some("realtime")),
            ("gpt-4o-realtime-preview-2024-12-17", Some("realtime")),
            ("gpt-3.5-turbo-instruct", Some("completion")),
            ("responses/gpt-4o", Some("responses")),
            ("gpt-5-pro", Some("responses")),
            ("gpt-5.1-codex-max", Some("responses")),
            ("o3-deep-research-2025-06-26", Some("responses")),
            ("o1-pro", Some("responses")),
            ("gpt-5", None),
            ("gpt-4o", None),
            ("gemini-2.5-pro", None),
            ("llama-3.1-8b-instruct", None),
            ("gte", None),
            ("big-tts3", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(mode(model), want, "{model}");
        }
    }
}

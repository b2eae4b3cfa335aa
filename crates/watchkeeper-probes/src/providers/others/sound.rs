//! ElevenLabs and Deepgram: sound to text and back. Asked by what is free unless `probe` says otherwise.
//!
//! What differs from LiteLLM's request, and why: the sound is a quarter of a second of silence, not 29 KB of speech:
//! it is billed by its length.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Map;

use super::super::Shape;
use super::super::join::join;
use super::super::openai::audio::{FORM, form_of, silence};
use super::super::openai::prove;
use crate::ask::Ask;
use crate::base;
use crate::mode::Mode;
use crate::promise::{Fields, Kind, Models, Promise};
use crate::request::ProbeRequest;

/// Voices of ElevenLabs that LiteLLM names as OpenAI does.
const VOICES: [(&str, &str); 10] = [
    ("alloy", "21m00Tcm4TlvDq8ikWAM"),
    ("amber", "5Q0t7uMcjvnagumLfvZi"),
    ("ash", "AZnzlk1XvdvUeBnXmlld"),
    ("august", "D38z5RcWu1voky8WS1ja"),
    ("blue", "2EiwWnXFnvU5JabPnv8n"),
    ("coral", "9BWtsMINqrJLrRacOk9x"),
    ("lily", "EXAVITQu4vr4xnSDxMaL"),
    ("onyx", "29vD33N1CtxCmqQRPOHJ"),
    ("sage", "CwhRBWXzGAHq8TQ4Fs17"),
    ("verse", "CYw3kZ02Hs0563khs1Fj"),
];

const TEXT: Promise = Promise::Json(Fields {
    any_of: &[("text", Kind::Text)],
    model: None,
    usage: None,
});

const CHANNELS: Promise = Promise::Json(Fields {
    any_of: &[("results.channels", Kind::Filled)],
    model: None,
    usage: None,
});

/// ElevenLabs.
pub(super) struct ElevenLabs;

impl Shape for ElevenLabs {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let tails = ["/v1"];
        let request = if ask.mode == Mode::AudioTranscription {
            let url = join(&base.endpoint, &tails, "/v1/speech-to-text");
            let form = form_of(&[("model_id", ask.model)]);
            upload(ProbeRequest::post(url, &Map::new(), TEXT), FORM, form)
        } else {
            let voice = ask.target.health.voice.as_deref();
            let voice = voice.or_else(|| ask.param("voice")).unwrap_or("alloy");
            let known = VOICES.iter().find(|(name, _)| *name == voice);
            let mut url = join(&base.endpoint, &tails, "/v1/text-to-speech");
            // fails only for URLs that cannot be a base, which http and https always can
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.push(known.map_or(voice, |(_, id)| id));
            }
            let mut body = Map::new();
            body.insert("text".into(), ask.text.into());
            body.insert("model_id".into(), ask.model.into());
            let mut request = ProbeRequest::post(url, &body, Promise::Media);
            request.headers.remove(reqwest::header::ACCEPT);
            request
        };
        prove(ask, &base, request)
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        // models that write down are not in the list
        let wanted =
            (ask.mode == Mode::AudioSpeech && !ask.is_wildcard()).then(|| ask.model.to_owned());
        let promise = Promise::Models(Models {
            list: "models",
            names: &["model_id"],
            wanted,
        });
        let url = join(&base.endpoint, &["/v1"], "/v1/models");
        prove(ask, &base, ProbeRequest::get(url, promise)).map(Some)
    }

    fn mode_by_name(&self, model: &str) -> Option<&'static str> {
        Some(if model.starts_with("scribe") {
            "audio_transcription"
        } else {
            "audio_speech"
        })
    }
}

/// Deepgram.
pub(super) struct Deepgram;

impl Shape for Deepgram {
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String> {
        let base = base::of(ask)?;
        let mut url = join(&base.endpoint, &["/listen"], "/listen");
        url.query_pairs_mut().append_pair("model", ask.model);
        let request = ProbeRequest::post(url, &Map::new(), CHANNELS);
        prove(ask, &base, upload(request, "audio/wav", silence()))
    }

    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        let base = base::of(ask)?;
        let url = join(&base.endpoint, &["/listen"], "/projects");
        let promise = Promise::Json(Fields {
            any_of: &[("projects", Kind::List)],
            model: None,
            usage: None,
        });
        prove(ask, &base, ProbeRequest::get(url, promise)).map(Some)
    }

    fn mode_by_name(&self, _: &str) -> Option<&'static str> {
        Some("audio_transcription")
    }
}

fn upload(mut request: ProbeRequest, kind: &'static str, body: Vec<u8>) -> ProbeRequest {
    request
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    request.body = Some(body);
    request
}

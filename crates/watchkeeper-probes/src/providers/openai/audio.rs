//! Something to hear: a moment of silence, in the form that uploads take.

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Map;
use url::Url;

use super::body;
use super::promises::TEXT;
use crate::ask::Ask;
use crate::request::ProbeRequest;

/// What parts the upload. Fixed, so that equal requests are equal; nothing in a request looks like it.
const BOUNDARY: &str = "watchkeeper-5c1d0f2e9a7b4386";

/// The type of the upload.
pub(crate) const FORM: &str = "multipart/form-data; boundary=watchkeeper-5c1d0f2e9a7b4386";

/// Samples per second: what speech models work with.
const RATE: u32 = 16_000;

/// How many samples there are: a quarter of a second, where OpenAI takes a tenth at least.
const SAMPLES: u32 = RATE / 4;

/// Bytes of a sample: 16 bit, one channel.
const SAMPLE_BYTES: u32 = 2;

/// The upload of a silence that is to be written down.
pub(crate) fn transcription(ask: &Ask<'_>, url: Url) -> ProbeRequest {
    let mut request = ProbeRequest::post(url, &Map::new(), TEXT);
    request
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    request.body = Some(form_of(&[
        ("model", body::model(ask).as_ref()),
        ("response_format", "json"),
    ]));
    request
}

/// The form with these fields and the sound behind them.
pub(crate) fn form_of(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut form = Vec::new();
    for (name, value) in fields {
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        form.extend_from_slice(part.as_bytes());
    }
    let file = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"silence.wav\"\r\nContent-Type: \
         audio/wav\r\n\r\n"
    );
    form.extend_from_slice(file.as_bytes());
    form.extend_from_slice(&silence());
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form
}

/// A WAV file in which nothing is said.
pub(crate) fn silence() -> Vec<u8> {
    let data = SAMPLES * SAMPLE_BYTES;
    let mut wav = Vec::new();
    wav.extend_from_slice(b"RIFF");
    wav.extend_from_slice(&(36 + data).to_le_bytes());
    wav.extend_from_slice(b"WAVEfmt ");
    wav.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel
    wav.extend_from_slice(&1_u16.to_le_bytes());
    wav.extend_from_slice(&1_u16.to_le_bytes());
    wav.extend_from_slice(&RATE.to_le_bytes());
    wav.extend_from_slice(&(RATE * SAMPLE_BYTES).to_le_bytes());
    wav.extend_from_slice(&2_u16.to_le_bytes());
    wav.extend_from_slice(&16_u16.to_le_bytes());
    wav.extend_from_slice(b"data");
    wav.extend_from_slice(&data.to_le_bytes());
    wav.resize(wav.len() + data as usize, 0);
    wav
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_silence_is_a_wav_file_of_a_quarter_second() {
        let wav = silence();
        let number = |at: usize| u32::from_le_bytes(wav[at..at + 4].try_into().unwrap());
        assert_eq!(&wav[..4], b"RIFF");
        assert_eq!(&wav[8..16], b"WAVEfmt ");
        assert_eq!(number(4) as usize, wav.len() - 8);
        assert_eq!(&wav[36..40], b"data");
        assert_eq!(number(40) as usize, wav.len() - 44);
        assert_eq!(f64::from(number(40)) / f64::from(number(28)), 0.25);
    }

    #[test]
    fn a_form_holds_its_fields_then_the_file() {
        let form = form_of(&[("model", "whisper-1")]);
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"silence.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF"
        );
        assert!(form.starts_with(head.as_bytes()));
        let end = format!("\0\r\n--{BOUNDARY}--\r\n");
        assert!(form.ends_with(end.as_bytes()));
    }
}

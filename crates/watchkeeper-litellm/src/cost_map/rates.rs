//! Prices as LiteLLM's cost map and its deployments name them, and what they come to for one probe.

use serde_json::Value;
use watchkeeper_core::money::{Price, Usd};

/// The prices that a probe's cost may depend on, in dollars.
pub const RATES: [&str; 9] = [
    "input_cost_per_token",
    "output_cost_per_token",
    "input_cost_per_image",
    "output_cost_per_image",
    "input_cost_per_pixel",
    "input_cost_per_query",
    "input_cost_per_character",
    "input_cost_per_second",
    "output_cost_per_second",
];

/// Pixels of the image that a probe asks for.
const PIXELS: u64 = 1024 * 1024;
/// Length of the recording that a probe sends, in seconds.
const SECONDS: u64 = 1;
/// Characters of the text that a probe has spoken, unless it is told another.
const CHARACTERS: usize = 7;

/// Some of [`RATES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    input_token: Option<Usd>,
    output_token: Option<Usd>,
    input_image: Option<Usd>,
    output_image: Option<Usd>,
    pixel: Option<Usd>,
    query: Option<Usd>,
    character: Option<Usd>,
    input_second: Option<Usd>,
    output_second: Option<Usd>,
}

impl Rates {
    /// Sets one by its name: a number of dollars, also as a text. A name that is none of [`RATES`] changes nothing.
    ///
    /// # Errors
    /// Why the value is no price; it is not repeated.
    pub fn put(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let place = match name {
            "input_cost_per_token" => &mut self.input_token,
            "output_cost_per_token" => &mut self.output_token,
            "input_cost_per_image" => &mut self.input_image,
            "output_cost_per_image" => &mut self.output_image,
            "input_cost_per_pixel" => &mut self.pixel,
            "input_cost_per_query" => &mut self.query,
            "input_cost_per_character" => &mut self.character,
            "input_cost_per_second" => &mut self.input_second,
            "output_cost_per_second" => &mut self.output_second,
            _ => return Ok(()),
        };
        let dollars = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let price = dollars.and_then(Usd::from_dollars);
        *place = Some(price.ok_or_else(|| {
            format!("`{name}` must be a price in dollars: a number of 0 or more")
        })?);
        Ok(())
    }

    /// These, and what they do not say as `other` has it. Prices for one thing go together: who names one for an image
    /// has named it for images.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let images = [self.input_image, self.output_image, self.pixel];
        let images = if images.iter().any(Option::is_some) {
            self
        } else {
            other
        };
        let seconds = if self.input_second.or(self.output_second).is_some() {
            self
        } else {
            other
        };
        Self {
            input_token: self.input_token.or(other.input_token),
            output_token: self.output_token.or(other.output_token),
            input_image: images.input_image,
            output_image: images.output_image,
            pixel: images.pixel,
            query: self.query.or(other.query),
            character: self.character.or(other.character),
            input_second: seconds.input_second,
            output_second: seconds.output_second,
        }
    }

    /// What a probe of this mode costs; none where nothing is known. `prompt` is the text that is sent, where it is not
    /// the usual one. Where the call itself has a price, its tokens have none: it is billed by the one or the other.
    #[must_use]
    pub fn price(&self, mode: Option<&str>, prompt: Option<&str>) -> Option<Price> {
        let text = prompt.map_or(CHARACTERS, |prompt| prompt.chars().count());
        let text = u64::try_from(text).unwrap_or(u64::MAX);
        let call = match mode {
            Some("image_generation" | "image_edit") => self
                .input_image
                .or(self.output_image)
                .or(self.pixel.map(|pixel| pixel.times(PIXELS))),
            Some("rerank") => self.query.filter(|query| !query.is_zero()),
            Some("audio_speech") => self.character.map(|character| character.times(text)),
            Some("audio_transcription") => self
                .output_second
                .filter(|second| !second.is_zero())
                .or(self.input_second)
                .map(|second| second.times(SECONDS)),
            _ => None,
        };
        let by_call = |call| Price {
            call,
            ..Price::default()
        };
        let by_token = || {
            (self.input_token.is_some() || self.output_token.is_some()).then(|| Price {
                input: self.input_token.unwrap_or_default(),
                output: self.output_token.unwrap_or_default(),
                call: Usd::ZERO,
            })
        };
        call.map(by_call).or_else(by_token)
    }
}

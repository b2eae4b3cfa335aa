//! The providers: one table, one row each, and the shapes of request that they speak.
//!
//! A provider that speaks as OpenAI does is a row in `table`. One with an API of its own is a row here and a shape in
//! a file or folder of its own.

mod anthropic;
mod aws;
mod azure;
pub(crate) mod claude;
mod cohere;
mod copilot;
#[cfg(test)]
pub(crate) mod fixture;
mod google;
mod join;
mod ollama;
pub(crate) mod openai;
mod others;
mod refused;
mod table;
#[cfg(test)]
mod trial;

use crate::ask::Ask;
use crate::base::{self, Base};
use crate::key::Scheme;
use crate::mode::Mode;
use crate::request::ProbeRequest;

/// How an API is spoken to. Nothing here sends, waits, or reads a clock or the environment.
pub(crate) trait Shape: Send + Sync {
    /// The request like those of users. An error is the check's `config_error`: it names the remedy and holds no secret.
    fn inference(&self, ask: &Ask<'_>) -> Result<ProbeRequest, String>;

    /// The free call that says most about the model; `None` where the provider has none. Also asked for wildcards.
    fn free(&self, ask: &Ask<'_>) -> Result<Option<ProbeRequest>, String>;

    /// The mode in whose way `mode` is asked, where the API has no way of its own for it: what is left of a batch
    /// where batches cannot be listed is a chat.
    fn asked_as(&self, mode: Mode) -> Mode {
        mode
    }

    /// Where something is to answer if nothing but that is asked. No key goes there.
    fn base(&self, ask: &Ask<'_>) -> Result<Base, String> {
        base::of(ask)
    }

    /// LiteLLM's word for the mode of a model whose entry names none, by the model's name; it need not be one that can
    /// be asked, so that a video model is refused rather than asked to chat. `None`: the name says nothing.
    fn mode_by_name(&self, _model: &str) -> Option<&'static str> {
        None
    }

    /// Whether a model wants more than a few words although its mode is to answer in words: it refuses whoever sends
    /// neither sound nor tools, or bills each answer for a search. Such a model is asked by its free call.
    fn wants_more(&self, _ask: &Ask<'_>) -> bool {
        false
    }

    /// Why no model of this provider can ever be asked; `None` where some can.
    fn refusal(&self) -> Option<&'static str> {
        None
    }
}

/// One provider.
pub(crate) struct Provider {
    /// LiteLLM's word for it, which is also the prefix of its models.
    pub(crate) name: &'static str,
    /// How it is spoken to.
    pub(crate) shape: &'static dyn Shape,
    /// Its own base URL; empty where it has none.
    pub(crate) base: &'static str,
    /// Variables that name another base, in order.
    pub(crate) base_vars: &'static [&'static str],
    /// Variables that hold its key, in order.
    pub(crate) key_vars: &'static [&'static str],
    /// Other variables that its shape looks at.
    pub(crate) other_vars: &'static [&'static str],
    /// How it takes its key.
    pub(crate) scheme: Scheme,
    /// Whether its own endpoint refuses whoever has no key.
    pub(crate) needs_key: bool,
    /// The modes that it can be asked.
    pub(crate) modes: &'static [Mode],
    /// How its free call is made, for shapes that leave it to the table.
    pub(crate) free: Free,
    /// LiteLLM's `exception_status` for a 200 with an error in it.
    pub(crate) fault: u16,
}

/// A free call, for shapes that leave it to the table. Paths are below the base; one that begins with `https://` is a
/// URL of its own, asked only where the base is the vendor's own; one that begins with `//` starts at the host's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Free {
    /// None.
    None,
    /// `GET base/models/{model}`: 404 tells that the model is not there.
    Model,
    /// A list of models in OpenAI's shape at this path, which proves endpoint and key.
    List(&'static str),
    /// As [`Free::List`], and the list is complete: what is not in it is not there.
    Complete(&'static str),
    /// Any 2xx at this path; `{model}` at its end stands for the model, and is left out for a wildcard.
    Success(&'static str),
}

/// The row of a provider.
pub(crate) fn find(name: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.name == name)
}

/// All providers.
pub(crate) fn all() -> impl Iterator<Item = &'static Provider> {
    let rows: [&'static [Provider]; 13] = [
        &table::ROWS,
        &table::servers::ROWS,
        &table::vendors::ROWS,
        &table::declared::ROWS,
        &anthropic::ROWS,
        &aws::ROWS,
        &azure::ROWS,
        &cohere::ROWS,
        &copilot::ROWS,
        &google::ROWS,
        &ollama::ROWS,
        &others::ROWS,
        &refused::ROWS,
    ];
    rows.into_iter().flatten()
}

/// The names nearest to one that is not there, nearest first; at most three.
pub(crate) fn nearest(name: &str) -> Vec<&'static str> {
    let mut ranked: Vec<(f64, &'static str)> = all()
        .map(|provider| (strsim::jaro_winkler(name, provider.name), provider.name))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

/// From which likeness on a name is worth naming.
const LIKENESS: f64 = 0.75;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_those_near_to_an_unknown_one_are_found() {
        let mut names: Vec<_> = all().map(|p| p.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(nearest("opnai").first(), Some(&"openai"));
        assert!(nearest("zzzz").is_empty());
    }
}

//! Providers of LiteLLM that no probe can ask, and why: so that "unknown" is only said of words that are no provider.

use super::{Free, Provider, Shape};
use crate::ask::Ask;
use crate::base::Base;
use crate::key::Scheme;
use crate::request::ProbeRequest;

/// A provider that cannot be asked; holds the reason.
struct Refused(&'static str);

impl Shape for Refused {
    fn inference(&self, _: &Ask<'_>) -> Result<ProbeRequest, String> {
        Err(self.0.to_owned())
    }

    fn free(&self, _: &Ask<'_>) -> Result<Option<ProbeRequest>, String> {
        Err(self.0.to_owned())
    }

    fn base(&self, _: &Ask<'_>) -> Result<Base, String> {
        Err(self.0.to_owned())
    }

    fn refusal(&self) -> Option<&'static str> {
        Some(self.0)
    }
}

/// Needs a person.
static LOGIN: Refused = Refused(
    "its login needs a person at a browser each time, so nothing that runs unattended can use it; \
     leave it out of the checks (`model_info.disable_background_health_check`)",
);

/// Asked over something that is no HTTP request of one question and one answer.
static OTHER_PROTOCOL: Refused = Refused(
    "it is spoken to by a protocol that probes do not have; check the server behind it by a `tcp` or `http` check",
);

/// Signs requests in a way of its own.
static OWN_SIGNATURE: Refused = Refused(
    "its requests are signed in a way of its own that probes do not have; put a check on a gateway in front of it, \
     or an `http` check on its status page",
);

/// No model behind it.
static NO_MODEL: Refused = Refused(
    "it is a store or a service that answers no prompt; check its address by an `http` or `tcp` check",
);

/// Bills for pictures, films or documents, and has no free call for one model.
static MEDIA: Refused = Refused(
    "all that it can be asked bills for real output or starts a job; check its address by an `http` check",
);

/// Agents: a question starts work of unknown cost.
static AGENT: Refused = Refused(
    "a question to an agent starts work of unknown length and cost; check its address by an `http` check",
);

/// Names of LiteLLM's own, behind which another entry stands.
static INNER: Refused = Refused(
    "it is LiteLLM's own name for something inside it, and asks no endpoint by itself; check the entries that it leads to",
);

/// No longer there.
static GONE: Refused = Refused("the service has been shut down; remove the entry");

const fn row(name: &'static str, shape: &'static Refused) -> Provider {
    Provider {
        name,
        shape,
        base: "",
        base_vars: &[],
        key_vars: &[],
        other_vars: &[],
        scheme: Scheme::Bearer,
        needs_key: false,
        modes: &[],
        free: Free::None,
        fault: 500,
    }
}

/// The rows.
pub(super) static ROWS: [Provider; 1] = [row("chatgpt", &LOGIN)];

//! The events as they are written, and which of them a listener wants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watchkeeper_core::events::{Event, Happened};
use watchkeeper_core::scrub::scrub;

use crate::times::timestamp;
use crate::v1::TransitionView;

/// The types that a listener may choose from; `hello` and `gap` come always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// [`ReportEvent`].
    Report,
    /// [`LeaseEvent`].
    Lease,
    /// [`StoreEvent`].
    Store,
    /// [`TransitionEvent`].
    Transition,
    /// [`ReloadEvent`].
    Reload,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Report,
        Self::Lease,
        Self::Store,
        Self::Transition,
        Self::Reload,
    ];

    /// The event's name in a stream.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Lease => "lease",
            Self::Store => "store",
            Self::Transition => "transition",
            Self::Reload => "reload",
        }
    }

    /// What kind something that happened is.
    pub(super) const fn of(what: &Happened) -> Self {
        match what {
            Happened::Report { .. } => Self::Report,
            Happened::Lease { .. } => Self::Lease,
            Happened::Store { .. } => Self::Store,
            Happened::Turned { .. } => Self::Transition,
            Happened::Reloaded { .. } => Self::Reload,
        }
    }
}

/// Which events a listener wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kinds(Vec<EventKind>);

impl Kinds {
    /// What `types` names, with commas between; all without it.
    ///
    /// # Errors
    /// The first name that is none.
    pub(super) fn read(types: Option<&str>) -> Result<Self, String> {
        let Some(types) = types else {
            return Ok(Self(EventKind::ALL.to_vec()));
        };
        let names = types.split(',').map(str::trim);
        let kinds = names.map(|name| {
            let named = |kind: &EventKind| kind.as_str() == name;
            let kind = EventKind::ALL.into_iter().find(named);
            kind.ok_or_else(|| name.to_owned())
        });
        kinds.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn has(&self, kind: EventKind) -> bool {
        self.0.contains(&kind)
    }
}

/// `hello`: the first event of every stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HelloEvent {
    /// The time, by the pod's wall clock.
    pub at: Option<Timestamp>,
    /// The pod that answers.
    pub pod_id: String,
    /// Its fleet.
    pub fleet: String,
    /// Its version.
    pub version: String,
    /// Whether the stream goes on after the id that was named; if one was and it does not, a `gap` follows.
    pub resumed: bool,
}

/// `gap`: events are missing here. What changed meanwhile is to be read anew from the other endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapEvent {
    /// How many are missing, of all types; null where that is not known.
    pub missed: Option<u64>,
    /// `unknown_id`: the id that was named is not of this process, which may have started anew, or be another pod's.
    /// `overwritten`: more happened since than is kept. `lagged`: this stream was read too slowly.
    pub reason: String,
}

/// `report`: results are shown that were not shown before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportEvent {
    /// The time, by the pod's wall clock.
    pub at: Option<Timestamp>,
    /// Which group's.
    pub group: String,
    /// The token it was published under; null where a pod probed for itself, or another program did.
    pub token: Option<u64>,
    /// Who published it.
    pub by: String,
    /// This pod's round goes on, more is to come.
    pub so_far: bool,
    /// How many of the group's checks count as healthy now.
    pub healthy: usize,
    /// How many do not.
    pub unhealthy: usize,
}

/// `lease`: a lease changed hands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseEvent {
    /// The time, by the pod's wall clock.
    pub at: Option<Timestamp>,
    /// Which group's.
    pub group: String,
    /// `acquired`, `taken_over` (from a pod that was not heard to give it back), `released`, `lost`: by this pod.
    /// `held_by_other`: found out when this pod wanted it.
    pub change: String,
    /// Who holds it or, where it was released or lost, held it.
    pub holder: String,
    /// Its token, where that is known.
    pub token: Option<u64>,
    /// Why it was lost.
    pub reason: Option<String>,
    /// From whom it was taken over.
    pub from: Option<String>,
}

/// `store`: the store went away or came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreEvent {
    /// The time, by the pod's wall clock.
    pub at: Option<Timestamp>,
    /// Whether it is there.
    pub up: bool,
    /// Why not.
    pub error: Option<String>,
}

/// `transition`: a check turned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransitionEvent {
    /// The check's group.
    pub group: String,
    /// How it turned. `at` is the time of the finding, not of the event.
    #[serde(flatten)]
    pub transition: TransitionView,
}

/// `reload`: a changed configuration was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReloadEvent {
    /// The time, by the pod's wall clock.
    pub at: Option<Timestamp>,
    /// Whether it is in force; else the one before still is.
    pub applied: bool,
    /// Why it was refused.
    pub error: Option<String>,
}

/// The event's data.
pub(super) fn data(event: &Event) -> Result<String, serde_json::Error> {
    let at = timestamp(event.at);
    let clean = |text: &Option<String>| text.as_deref().map(|text| scrub(text).into_owned());
    match &event.what {
        Happened::Report {
            group,
            token,
            by,
            so_far,
            healthy,
            unhealthy,
        } => serde_json::to_string(&ReportEvent {
            at,
            group: group.to_string(),
            token: token.map(|token| token.0),
            by: by.to_string(),
            so_far: *so_far,
            healthy: *healthy,
            unhealthy: *unhealthy,
        }),
        Happened::Lease {
            group,
            change,
            holder,
            token,
            reason,
            from,
        } => serde_json::to_string(&LeaseEvent {
            at,
            group: group.to_string(),
            change: change.as_str().to_owned(),
            holder: holder.to_string(),
            token: token.map(|token| token.0),
            reason: reason.map(str::to_owned),
            from: from.as_ref().map(ToString::to_string),
        }),
        Happened::Store { up, error } => serde_json::to_string(&StoreEvent {
            at,
            up: *up,
            error: clean(error),
        }),
        Happened::Turned { group, transition } => serde_json::to_string(&TransitionEvent {
            group: group.to_string(),
            transition: (&**transition).into(),
        }),
        Happened::Reloaded { applied, error } => serde_json::to_string(&ReloadEvent {
            at,
            applied: *applied,
            error: clean(error),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_with_commas_between_and_an_unknown_one_is_told() {
        assert_eq!(Kinds::read(None), Ok(Kinds(EventKind::ALL.to_vec())));
        assert_eq!(
            Kinds::read(Some("store, transition")),
            Ok(Kinds(vec![EventKind::Store, EventKind::Transition]))
        );
        for (types, unknown) in [("store,x", "x"), ("Store", "Store"), ("store,", "")] {
            assert_eq!(Kinds::read(Some(types)), Err(unknown.to_owned()), "{types}");
        }
    }
}

//! One group of checks as the driver keeps it.

use watchkeeper_core::coordinator::Coordinator;
use watchkeeper_core::time::Moment;

use crate::store_client::StoreClient;

/// Names a group for as long as the pod runs: none is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupKey(pub(crate) u64);

impl GroupKey {
    /// After all others.
    pub(crate) const LAST: Self = Self(u64::MAX);

    /// The next one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A coordinator and what belongs to it.
pub(crate) struct Group {
    pub(crate) coordinator: Coordinator,
    /// The store, with what stands beside this group's reports.
    pub(crate) store: StoreClient,
    /// When it is to be woken.
    pub(crate) armed: Option<Moment>,
    /// Where it stands in the picture; none once its checks are others'.
    pub(crate) place: Option<usize>,
    /// It does without the store.
    pub(crate) isolated: bool,
}

impl Group {
    /// One that has not begun.
    pub(crate) fn new(coordinator: Coordinator, store: StoreClient, place: usize) -> Self {
        Self {
            coordinator: coordinator.told_of_starts(),
            store,
            armed: None,
            place: Some(place),
            isolated: false,
        }
    }
}

//! etcd's own leases, which end what hangs on them: whole seconds, two at the least.

use std::time::Duration;

use etcd_client::{Client, Error};
use watchkeeper_core::time::Moment;

use crate::error::Failure;

/// Not used for anything new so shortly before its end.
const MARGIN: Duration = Duration::from_secs(10);

/// The longest that is asked for; etcd takes some nine thousand million seconds.
const LONGEST: u64 = 100 * 365 * 24 * 60 * 60;

/// The seconds to ask for so that something lasts this long at least. etcd gives no less than two.
pub(crate) fn whole_seconds(time: Duration) -> i64 {
    let up = u64::from(time.subsec_nanos() > 0);
    let seconds = time.as_secs().saturating_add(up).clamp(2, LONGEST);
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// A lease of etcd's that this handle was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    pub(crate) id: i64,
    /// The seconds that were asked for.
    pub(crate) asked: i64,
    /// The seconds that it lasts each time; not less.
    pub(crate) granted: i64,
    /// It lasts that long since this moment at least: when the request left that last made it begin anew.
    pub(crate) since: Moment,
}

impl Term {
    /// How long it lasts each time.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.granted).unwrap_or(0))
    }

    /// Whether it lasts at this moment as far as this pod's clock can tell.
    pub(crate) fn lasts(&self, now: Moment) -> bool {
        now.since(self.since) < self.length()
    }

    /// Whether it is sure to last for some time yet.
    pub(crate) fn lasts_well(&self, now: Moment) -> bool {
        self.lasts(now + MARGIN)
    }
}

/// A new lease. `now`: when the request leaves.
pub(crate) async fn grant(client: &Client, asked: i64, now: Moment) -> Result<Term, Failure> {
    let granted = client.lease_client().grant(asked, None).await?;
    Ok(Term {
        id: granted.id(),
        asked,
        granted: granted.ttl().max(asked),
        since: now,
    })
}

/// Makes the lease begin anew; `false` where there is none of this number any more.
pub(crate) async fn keep(client: &Client, id: i64) -> Result<bool, Failure> {
    // The call sends one keep-alive and waits for its answer. No more are sent.
    match client.lease_client().keep_alive(id).await {
        Ok(_) => Ok(true),
        Err(Error::LeaseKeepAliveError(_)) => Ok(false),
        Err(error) => gone(error).map(|()| false),
    }
}

/// What is left of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// How long it lasts each time.
    pub(crate) granted: Duration,
    /// The whole seconds that are left of it: up to one second more is.
    pub(crate) left: Duration,
}

/// What is left of the lease; `None` where there is none of this number any more.
pub(crate) async fn left(client: &Client, id: i64) -> Result<Option<Left>, Failure> {
    let answer = match client.lease_client().time_to_live(id, None).await {
        Ok(answer) => answer,
        Err(error) => return gone(error).map(|()| None),
    };
    // One that ended and is not yet taken away has less than nothing left.
    let seconds = |n: i64| Duration::from_secs(u64::try_from(n).unwrap_or(0));
    let (granted, left) = (seconds(answer.granted_ttl()), seconds(answer.ttl()));
    Ok((!granted.is_zero()).then_some(Left { granted, left }))
}

/// `Ok` where etcd refused because there is no such lease.
pub(crate) fn gone(error: Error) -> Result<(), Failure> {
    let failure = Failure::from(error);
    if failure.is_lease_gone() {
        Ok(())
    } else {
        Err(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_never_shorter_than_the_time() {
        for (millis, seconds) in [(0, 2), (1_000, 2), (2_000, 2), (2_001, 3), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
        assert!(whole_seconds(Duration::MAX) < 9_000_000_000);
    }

    #[test]
    fn a_lease_near_its_end_is_not_used_for_anything_new() {
        let term = Term {
            id: 1,
            asked: 60,
            granted: 60,
            since: Moment::ZERO,
        };
        let at = |secs| Moment::ZERO + Duration::from_secs(secs);
        assert!(term.lasts(at(59)) && !term.lasts(at(60)));
        assert!(term.lasts_well(at(49)) && !term.lasts_well(at(50)));
    }
}

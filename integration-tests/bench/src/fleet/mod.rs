//! What fleets are promised to do: how soon a report is seen, probes per round, take-over.

pub(crate) mod local;
mod rounds;
pub(crate) mod seen;
pub(crate) mod stand;
pub(crate) mod takeover;

use crate::row::Row;
use crate::{Ctx, Error};

/// The rows of this part, one after the other: those in milliseconds want the machine for themselves.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let mut rows = seen::rows(ctx).await?;
    rows.extend(takeover::rows(ctx).await?);
    rows.extend(rounds::rows(ctx).await?);
    Ok(rows)
}

//! What the stores are promised to do: lock cycles beside bare calls, commands of a fleet at rest.

pub(crate) mod bare;
pub(crate) mod commands;
pub(crate) mod cycles;

use crate::row::Row;
use crate::{Ctx, Error};

/// The rows of this part.
pub(crate) async fn rows(ctx: &Ctx) -> Result<Vec<Row>, Error> {
    let mut rows = cycles::rows(ctx).await?;
    rows.extend(commands::rows(ctx).await?);
    Ok(rows)
}

/// One number of the server's `INFO`.
pub(crate) fn info(text: &str, field: &str) -> Result<f64, Error> {
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name == field).then(|| value.trim())
    });
    match value {
        Some(value) => Ok(value.parse()?),
        None => Err(format!("the server's INFO has no `{field}`").into()),
    }
}

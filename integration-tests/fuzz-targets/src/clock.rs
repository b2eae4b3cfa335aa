//! A clock that stands still: no target depends on what time it is.

use watchkeeper_core::time::{Clock, Moment, UnixMillis};

pub(crate) const UNIX: UnixMillis = UnixMillis(1_795_358_400_000);

#[derive(Debug)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Moment {
        Moment::from_micros(10_000_000)
    }

    fn unix(&self) -> UnixMillis {
        UNIX
    }
}

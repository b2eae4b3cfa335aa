//! The image, as engines and orchestrators run it: a network of containers, a Redis among them, and pods that are cut
//! off, joined again, stopped and replaced. The requests are counted by a mock outside.
//!
//! | variable | meaning |
//! |---|---|
//! | `WATCHKEEPER_TEST_IMAGE` | the image under test, `watchkeeper:<version>` unless set; `scripts/image.sh` builds it |
//! | `WATCHKEEPER_TEST_REDIS_IMAGE` | Redis, the official image unless set |
//! | `DOCKER_HOST` | where the engine listens; it has to run on this machine, since the mock listens on its bridge |

// Tests fail by panicking and measure real time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout // the figures belong to the record of a run
)]

use std::time::Duration;

mod cut_off;
mod image;
mod rolling;
mod stage;

/// Far more than anything here needs on a machine that also builds; only a test that fails waits this long.
const SOON: Duration = Duration::from_secs(20);

/// How long a pod that is gone can hold the others up; what the harness' configuration says.
const LOCK_TTL: Duration = Duration::from_secs(3);

/// From one round to the next.
const INTERVAL: Duration = Duration::from_secs(3);

//! The promises of the lock trait and the cache trait, one function each, for every backend.
//!
//! A backend's test file implements [`Harness`] and has one line: `conformance_tests!(factory)`. It then has one named
//! test for each promise, each on a namespace of its own.

pub mod feed;
pub mod fencing;
pub mod garbage;
pub mod lease;
pub mod lost_replies;
mod pod;
pub mod presence;
pub mod report;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use watchkeeper_core::cache::Store;
use watchkeeper_core::id::GroupId;
use watchkeeper_core::lease::Token;

/// What a backend gives the suite: one fresh, empty namespace, and hands to damage it.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A handle as one more pod would have it, with a connection of its own where there are connections.
    async fn store(&self) -> Arc<dyn Store>;

    /// Lets this much of the store's time pass.
    async fn elapse(&self, by: Duration);

    /// Takes away all data of this namespace, behind the backend's back.
    async fn wipe(&self);

    /// Takes the end off the lock that stands for the group, so that it never ends by itself.
    async fn make_endless(&self, group: &GroupId);

    /// Puts a foreign value in a place; `false` where the backend has no such shape.
    async fn plant(&self, group: &GroupId, place: Place, shape: Shape) -> bool;

    /// The shortest lease time that this store keeps as it was asked for; the contract's is the default.
    fn shortest(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// How long after its beginning a lease of the [`Self::shortest`] time has surely ended.
    fn past_shortest(&self) -> Duration {
        Duration::from_millis(1_100)
    }

    /// How far the store's ages and remaining times may be off.
    fn grain(&self) -> Duration {
        Duration::from_millis(50)
    }

    /// What a token granted from now on is at least: the store's time, or what stands in for it. 2020-01-01 in
    /// microseconds unless said otherwise: any clock is later.
    async fn least_token(&self) -> Token {
        Token(1_577_836_800_000_000)
    }

    /// How much higher a token is at least that is granted so much later.
    fn token_rise(&self, later: Duration) -> u64 {
        u64::try_from(later.as_micros()).unwrap_or(u64::MAX)
    }

    /// The lowest token, roughly, that this store cannot have given out, where it gave out that one just now.
    fn impossible_after(&self, granted: Token) -> Token {
        const TWO_DAYS_MICROS: u64 = 2 * 24 * 3_600 * 1_000_000;
        Token(granted.0 + TWO_DAYS_MICROS)
    }
}

/// Where a foreign value is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The group's lock.
    Lock,
    /// The group's stored token.
    Token,
    /// The group's report.
    Report,
    /// The list of pods.
    Presence,
}

/// What is planted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text of somebody else's.
    Text,
    /// Other text of somebody else's.
    OtherText,
    /// Bytes that are no text.
    Binary,
    /// Nothing at all, but present.
    Empty,
    /// More bytes than any value of ours has.
    Huge,
    /// Nearly the backend's own format.
    NearMiss,
    /// The backend's own format with a token far ahead of the store's time.
    Impossible,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    SortedSet,
    /// A hash or table.
    Hash,
    /// A stream or log.
    Stream,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::OtherText,
        Self::Binary,
        Self::Empty,
        Self::Huge,
        Self::NearMiss,
        Self::Impossible,
        Self::List,
        Self::Set,
        Self::SortedSet,
        Self::Hash,
        Self::Stream,
    ];
}

/// Nothing in the suite takes this long on a working backend, so a test that does is stuck.
pub const TEST_LIMIT: Duration = Duration::from_secs(60);

/// One named test for each promise. `$factory` is the path of an `async fn() -> impl Harness`; the calling crate needs
/// tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! conformance_tests {
    ($factory:path) => {
        $crate::conformance_tests! { @each $factory;
            lease {
                a_free_lease_is_granted
                only_one_of_many_racing_pods_is_granted
                workers_that_count_through_the_lock_lose_nothing
                busy_names_the_holder_and_changes_nothing
                the_same_attempt_gets_the_same_token_and_a_full_ttl
                another_attempt_of_the_holder_gets_a_higher_token
                a_lease_stands_until_its_end
                a_lease_ends_by_itself
                renewing_makes_the_lease_last_again
                renewing_what_ended_is_lost_and_changes_nothing
                renewing_under_an_older_token_is_lost
                renewing_under_another_holder_names_it
                releasing_frees_at_once
                a_repeated_release_is_harmless
                only_the_holder_under_its_token_can_release
                inspecting_tells_who_holds_and_changes_nothing
                groups_do_not_touch_each_other
                ping_succeeds_and_leaves_nothing_behind
            }
            fencing {
                tokens_are_at_least_the_stores_time
                tokens_rise_across_releases
                tokens_rise_across_expiry
                a_token_is_higher_than_the_floor
                reading_raises_the_stored_token
                an_impossible_floor_is_not_believed
                tokens_rise_after_the_store_lost_its_data
                a_lost_lease_is_lost_to_its_holder
                publishing_needs_the_lease
                publishing_after_the_lease_ended_is_fenced
                publishing_under_another_holder_is_fenced
                publishing_under_an_older_token_of_the_same_pod_is_fenced
                a_lower_token_never_overwrites_a_higher
            }
            report {
                no_report_is_nothing
                a_report_comes_back_as_it_was_published
                any_bytes_are_kept
                a_large_report_is_kept
                too_large_a_report_is_refused_before_it_lands
                publishing_and_releasing_is_one_step
                publishing_and_keeping_extends_the_lease
                a_later_edition_replaces_an_earlier
                a_late_earlier_edition_changes_nothing
                a_repeated_publication_is_done_and_changes_nothing
                a_report_ages_by_the_stores_time
                a_report_outlives_the_lease
            }
            garbage {
                a_lock_without_end_is_taken_by_compare
                a_lease_that_ends_is_never_taken
                garbage_in_the_locks_place_is_taken_by_compare
                garbage_that_changed_is_not_taken
                garbage_in_the_locks_place_belongs_to_nobody
                garbage_in_the_tokens_place_does_not_stop_the_tokens
                garbage_in_the_reports_place_is_named_and_replaced
                garbage_in_the_list_of_pods_heals
            }
            lost_replies {
                a_lease_won_unseen_is_recognised
                an_acquire_that_reaches_the_store_twice_is_one
                a_publication_whose_reply_was_lost_is_done
                a_publication_that_reaches_the_store_twice_is_one
                a_release_whose_reply_was_lost_leaves_no_orphan
                a_renewal_whose_reply_was_lost_can_be_repeated
                an_operation_that_was_refused_changed_nothing
            }
            feed {
                a_new_stream_starts_with_resumed
                watchers_hear_of_a_report
                watchers_hear_of_a_release
                publishing_and_releasing_tells_both
                every_watcher_hears
            }
            presence {
                announced_pods_are_listed_by_name
                a_new_announcement_replaces_the_old
                a_silent_pod_is_forgotten
                a_pod_that_leaves_is_gone
                too_much_to_say_is_refused
            }
        }
    };
    (@each $factory:path; $($module:ident { $($name:ident)* })*) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let test = async {
                    let harness = $factory().await;
                    $crate::conformance::$module::$name(&harness).await;
                };
                tokio::time::timeout($crate::conformance::TEST_LIMIT, test)
                    .await
                    .expect("the test is stuck");
            }
        )*)*
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_promise_has_a_named_test() {
        let list = include_str!("mod.rs");
        let files = [
            include_str!("feed.rs"),
            include_str!("fencing.rs"),
            include_str!("garbage.rs"),
            include_str!("lease.rs"),
            include_str!("lost_replies.rs"),
            include_str!("presence.rs"),
            include_str!("report.rs"),
        ];
        let mut promises = 0;
        for line in files.iter().flat_map(|file| file.lines()) {
            let Some(rest) = line.strip_prefix("pub async fn ") else {
                continue;
            };
            let name = rest.split('(').next().unwrap();
            assert!(
                list.lines().any(|line| line.trim() == name),
                "`{name}` is not in the macro's list"
            );
            promises += 1;
        }
        assert!(promises > 25, "only {promises} promises were found");
    }
}

use std::time::Duration;

use watchkeeper_core::id::AttemptId;

use super::*;

fn slot<T>(value: Option<T>) -> Slot<T> {
    Slot {
        revision: 3,
        lease: 9,
        size: 1,
        value,
    }
}

/// Keys that stand so, a lock of pod `a` among them.
pub(crate) fn view(lock: Option<u64>, token: Option<u64>, report: Option<u64>) -> View {
    View {
        revision: 5,
        lock: slot(lock.map(|token| Lock {
            token: Token(token),
            attempt: AttemptId(1),
            ttl: Duration::from_secs(2),
            pod: PodId::new("a").unwrap(),
        })),
        token: slot(token.map(Token)),
        report: slot(report.map(|token| Head {
            token: Token(token),
            edition: 1,
        })),
    }
}

#[test]
fn the_highest_token_counts_wherever_it_stands() {
    for (lock, token, report, known) in [
        (None, None, None, 0),
        (Some(3), Some(1), Some(2), 3),
        (Some(1), Some(3), Some(2), 3),
        (None, None, Some(2), 2),
    ] {
        assert_eq!(view(lock, token, report).known(), Token(known));
    }
}

#[test]
fn a_lock_is_held_by_pod_and_token_together() {
    let (a, b) = (PodId::new("a").unwrap(), PodId::new("b").unwrap());
    let held = view(Some(3), None, None);
    assert!(held.is_held(&a, Token(3)));
    assert!(!held.is_held(&b, Token(3)));
    assert!(!held.is_held(&a, Token(2)));
    assert!(!view(None, None, None).is_held(&a, Token(3)));
}

#[test]
fn a_step_knows_what_stands_there_after_it() {
    let keys = GroupKeys {
        lock: "l".to_owned(),
        token: "t".to_owned(),
        report: "r".to_owned(),
    };
    let seen = view(Some(3), Some(3), None);
    let mut step = Step::new(&keys, &seen);
    step.delete_lock();
    let head = Head {
        token: Token(3),
        edition: 1,
    };
    step.put_report(head, b"found", 12);
    let after = step.after(8);
    assert!(after.lock.is_empty());
    assert_eq!(after.token, seen.token);
    assert_eq!(after.report.value, Some(head));
    assert_eq!((after.report.revision, after.report.lease), (8, 12));
    assert_eq!(after.revision, 8);
}

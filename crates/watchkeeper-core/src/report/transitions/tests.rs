use std::time::Duration;

use super::*;
use crate::report::{Standing, Thresholds};
use crate::verdict::Verdict;

fn turn(check: &str, at: i64, token: Option<u64>) -> Transition {
    Transition {
        check: CheckId::new(check).unwrap(),
        healthy: at % 2 == 0,
        at: UnixMillis(at),
        by: PodId::new("pod-a").unwrap(),
        token: token.map(Token),
        outcome: Outcome::Timeout,
        status: Some(408),
        error: Some("Timeout exceeded".to_owned()),
    }
}

fn shown(list: &Transitions) -> Vec<(String, i64, Option<u64>)> {
    let one = |t: &Transition| (t.check.to_string(), t.at.0, t.token.map(|t| t.0));
    list.iter().map(one).collect()
}

#[test]
fn tokens_order_them_and_what_is_not_published_is_the_latest() {
    let list = Transitions::new([
        turn("a", 5, None),
        turn("a", 900, Some(7)),
        turn("b", 3, Some(8)),
        turn("a", 2, Some(8)),
        turn("a", 2, Some(9)),
        turn("a", 2, None),
    ]);
    let expected = [
        ("a", 900, Some(7)),
        ("a", 2, Some(8)),
        ("b", 3, Some(8)),
        ("a", 5, None),
    ];
    assert_eq!(
        shown(&list),
        expected.map(|(check, at, token)| (check.to_owned(), at, token))
    );
    let a = CheckId::new("a").unwrap();
    let of: Vec<i64> = list.of(&a).map(|t| t.at.0).collect();
    assert_eq!(of, [5, 2, 900]);
    assert_eq!(list.get(&a, UnixMillis(2)).unwrap().token, Some(Token(8)));
    assert_eq!(list.get(&a, UnixMillis(3)), None);
}

#[test]
fn a_flapping_check_keeps_its_latest_and_does_not_push_out_others() {
    let quiet = turn("quiet", 1, Some(1));
    let flapping = (0..1_000).map(|n| turn("flaps", n, Some(u64::try_from(n).unwrap() + 2)));
    let list = Transitions::new(flapping.chain([quiet.clone()]));
    assert_eq!(list.len(), MAX_TRANSITIONS_PER_CHECK + 1);
    assert_eq!(list.iter().next(), Some(&quiet));
    assert_eq!(list.iter().last().unwrap().at, UnixMillis(999));
    let many = (0..1_000).map(|n| turn(&format!("c{n}"), 1, Some(n)));
    let list = Transitions::new(many);
    assert_eq!(list.len(), MAX_TRANSITIONS);
    assert_eq!(list.iter().next().unwrap().token, Some(Token(1_000 - 256)));
}

#[test]
fn a_full_list_stays_within_its_bytes_whatever_the_names_and_the_words_are() {
    for (check, pod, words) in [
        ("x".repeat(64), "p".repeat(40), "\"quoted\" ".repeat(40)),
        (
            format!("{}\"", "\"".repeat(250)),
            "p".repeat(128),
            "\u{1}".repeat(240),
        ),
        ("é".repeat(120), "p".into(), "größe\n".repeat(40)),
    ] {
        let verdict = Verdict::new(
            Outcome::ContentFilter,
            Some(500),
            Some(words),
            Duration::ZERO,
            UnixMillis(1_795_358_411_941),
        );
        let all = (0..1_000_i64).map(|n| {
            let id = format!("{}{}", n % 100, check);
            let mut entry = Entry::after(
                None,
                CheckId::new(cut(&id, 256)).unwrap(),
                PodId::new(&pod).unwrap(),
                None,
                UnixMillis(0),
                verdict.clone(),
                Thresholds {
                    healthy_after: 1,
                    unhealthy_after: 1,
                    passes: crate::report::Passes::HEALTHY,
                },
            );
            entry.standing = Standing {
                since: UnixMillis(1_795_358_411_941 + n),
                ..entry.standing
            };
            let mut turn = Transition::of(&entry);
            turn.token = Some(Token(1_795_358_411_941_123));
            turn
        });
        let list = Transitions::new(all);
        let bytes = serde_json::to_vec(&list).unwrap();
        assert!(bytes.len() <= MAX_TRANSITIONS_BYTES + 1, "{}", bytes.len());
        assert!(list.len() > ALWAYS_FIT, "{} are left", list.len());
        let read: Transitions = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read, list);
        if check.len() == 64 {
            assert_eq!(list.len(), MAX_TRANSITIONS);
            assert!(list.iter().all(|t| t.error.is_some()));
        }
    }
    // What always fits does so at its largest.
    let largest = 2 * 256 + 128 + 6 * MAX_WHY_BYTES + 160;
    assert!(ALWAYS_FIT * largest <= MAX_TRANSITIONS_BYTES);
}

#[test]
fn a_token_above_the_reports_own_is_none_that_it_can_have_been_published_under() {
    let list = Transitions::new([turn("a", 1, Some(3)), turn("b", 2, Some(u64::MAX))]);
    assert_eq!(
        shown(&list.up_to(Token(9))),
        [("a".to_owned(), 1, Some(3)), ("b".to_owned(), 2, Some(9))]
    );
    assert_eq!(list.up_to(Token(u64::MAX)), list);
}

mod merging {
    use proptest::prelude::*;

    use super::*;

    fn list() -> impl Strategy<Value = Transitions> {
        // A change has one token: it is given when it is published first.
        let one = ("[a-f]", 0_i64..200).prop_map(|(check, at)| {
            let token = 1 + u64::try_from(at).unwrap() / 3;
            turn(&check, at, Some(token))
        });
        proptest::collection::vec(one, 0..300).prop_map(Transitions::new)
    }

    fn merged(lists: &[&Transitions]) -> Transitions {
        let mut all = Transitions::default();
        lists.iter().for_each(|list| all.merge(list));
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn pods_that_read_the_same_lists_agree_in_whatever_order_and_however_often(
            a in list(), b in list(), c in list(),
        ) {
            let all = merged(&[&a, &b, &c]);
            prop_assert_eq!(&merged(&[&c, &a, &b, &a]), &all);
            prop_assert_eq!(&merged(&[&merged(&[&b, &c]), &a]), &all);
            prop_assert!(all.iter().all(|t| [&a, &b, &c].iter().any(|l| l.iter().any(|o| o == t))));
            for check in ["a", "b", "c", "d", "e", "f"] {
                prop_assert!(all.of(&CheckId::new(check).unwrap()).count() <= MAX_TRANSITIONS_PER_CHECK);
            }
        }
    }
}

#[test]
fn a_text_that_was_cut_to_fit_is_not_cut_again_when_the_token_comes() {
    for length in 1..64 {
        let mut transition = turn(&"\"".repeat(length), 4_811_365_812_841, None);
        transition.by = PodId::new("p".repeat(63)).unwrap();
        transition.error = Some("\\n".repeat(60));
        transition.fit();
        transition.token = Some(Token(2_070_303_233_947_151_753));
        let list = Transitions::new([transition]);
        let read: Transitions =
            serde_json::from_slice(&serde_json::to_vec(&list).unwrap()).unwrap();
        assert_eq!(read, list, "a name of {length}");
    }
}

//! `lock_scope`: one group for all checks, or one each.

use super::*;

fn one(name: &str) -> Pod {
    let group = GroupId::new(format!("group-{name}")).unwrap();
    Pod::with(|s| {
        s.checks.retain(|c| c.id == check(name));
        s.group = group;
        s.seed = SEED + name.len() as u64;
    })
}

#[test]
fn with_one_group_per_check_each_has_its_own_lease_and_report() {
    let (mut a, mut b) = (one("a"), one("b"));
    for pod in [&mut a, &mut b] {
        pod.at(0, Event::Started);
        pod.at(10, nothing(1, 0));
    }
    let asked = |commands: Vec<Command>| match &commands[..] {
        [Command::Acquire(_, request)] => request.group.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(a.at(60, Event::Woke)), "group-a");
    assert_eq!(asked(b.at(60, Event::Woke)), "group-b");
    // One is led here, the other one elsewhere.
    a.at(70, held(2, 7));
    assert_eq!(a.at(80, nothing(3, 7)), [probe(1, "a")]);
    assert_eq!(b.at(70, busy(2, "other", 4, 2_900)), []);
    assert_eq!(a.view().mode, Mode::Leading);
    assert_eq!(b.view().mode, Mode::Following);
    let commands = a.at(90, probed(1));
    let [Command::Publish(_, publication)] = &commands[..] else {
        panic!("{commands:?}")
    };
    assert_eq!(publication.lease.group.as_str(), "group-a");
    assert_eq!(publication.report.entries.len(), 1);
}

#[test]
fn the_longest_round_is_of_the_groups_own_checks() {
    let fleet = Pod::with(|s| s.concurrency = 1);
    assert_eq!(
        fleet.coordinator.settings().round_limit(),
        millis(2 * ROUND)
    );
    let mut alone = one("a");
    alone.at(0, Event::Started);
    assert_eq!(alone.coordinator.settings().round_limit(), millis(ROUND));
}

#[test]
fn a_store_away_from_one_group_is_not_away_from_the_other() {
    let (mut a, mut b) = (one("a"), one("b"));
    a.at(0, Event::Started);
    b.at(0, Event::Started);
    a.at(10, Event::Read(Op(1), Err(denied(StoreOp::Read))));
    b.at(10, nothing(1, 0));
    assert_eq!(a.view().mode, Mode::Isolated);
    assert_eq!(b.view().mode, Mode::Following);
}

use super::*;

#[test]
fn dollars_keep_a_tokens_price_and_refuse_what_is_no_amount() {
    assert_eq!(Usd::from_dollars(1.5e-7).unwrap().as_picos(), 150_000);
    assert_eq!(Usd::from_dollars(0.04).unwrap().as_dollars(), 0.04);
    for bad in [-1.0, f64::NAN, f64::INFINITY, 1e9] {
        assert_eq!(Usd::from_dollars(bad), None, "{bad}");
    }
}

#[test]
fn a_ledger_counts_its_own_day_by_provider_and_starts_anew_with_the_next() {
    let cent = Usd::from_dollars(0.01).unwrap();
    let mut ledger = Ledger::default();
    ledger.add(Day(5), "openai", cent);
    ledger.add(Day(5), "openai", cent);
    ledger.add(Day(5), "azure", cent);
    ledger.add(Day(4), "azure", cent);
    assert_eq!(ledger.by(Day(5), "openai"), cent.times(2));
    assert_eq!(ledger.total(Day(5)), cent.times(3));
    assert_eq!(ledger.total(Day(6)), Usd::ZERO);
    ledger.add(Day(6), "azure", cent);
    assert_eq!(ledger.total(Day(5)), Usd::ZERO);
    assert_eq!(ledger.total(Day(6)), cent);
}

#[test]
fn two_ledgers_of_one_day_merge_by_the_larger_amount_and_a_later_day_begins_a_new_page() {
    let ledger = |day: i64, rows: &[(&str, u64)]| Ledger {
        day: Day(day),
        spent: rows
            .iter()
            .map(|(name, picos)| ((*name).to_owned(), Usd::from_picos(*picos)))
            .collect(),
    };
    for (mine, theirs, merged) in [
        (
            ledger(5, &[("a", 3), ("b", 1)]),
            ledger(5, &[("a", 2), ("b", 4), ("c", 1)]),
            ledger(5, &[("a", 3), ("b", 4), ("c", 1)]),
        ),
        (
            ledger(5, &[("a", 3)]),
            ledger(6, &[("b", 1)]),
            ledger(6, &[("b", 1)]),
        ),
        (
            ledger(5, &[("a", 3)]),
            ledger(4, &[("a", 9)]),
            ledger(5, &[("a", 3)]),
        ),
    ] {
        let mut both = mine;
        both.merge(&theirs);
        assert_eq!(both, merged);
    }
}

#[test]
fn what_is_taken_out_of_a_ledger_is_never_more_than_stands_there() {
    let cent = Usd::from_dollars(0.01).unwrap();
    let mut ledger = Ledger::of(Day(5));
    ledger.add(Day(5), "a", cent.times(3));
    ledger.add(Day(5), "b", cent);
    let mut part = Ledger::of(Day(5));
    part.add(Day(5), "a", cent);
    part.add(Day(5), "b", cent.times(9));
    ledger.take(&part);
    assert_eq!(ledger.by(Day(5), "a"), cent.times(2));
    assert_eq!(ledger.spent.len(), 1);
    part.day = Day(4);
    ledger.take(&part);
    assert_eq!(ledger.total(Day(5)), cent.times(2));
}

#[test]
fn names_in_a_ledger_are_as_short_as_those_of_providers() {
    let cent = Usd::from_dollars(0.01).unwrap();
    let long = "p".repeat(MAX_LEDGER_NAME_BYTES + 1);
    let mut forged = Ledger::of(Day(1));
    forged.spent.insert("p".repeat(1 << 20), cent);
    let mut ledger = Ledger::of(Day(1));
    ledger.add(Day(1), &long, cent);
    ledger.merge(&forged);
    assert_eq!(ledger.by(Day(1), &long), cent);
    assert_eq!(ledger.total(Day(1)), cent);
    ledger.take_from(&long, cent);
    assert!(ledger.is_empty());
    for n in 0..MAX_LEDGER_ROWS {
        let name = format!("{n:0width$}", width = MAX_LEDGER_NAME_BYTES);
        ledger.add(Day(1), &name, Usd::from_picos(u64::MAX));
    }
    let size = serde_json::to_vec(&ledger).unwrap().len();
    assert!(size <= 24 * 1024, "{size} bytes");
}

#[test]
fn a_ledger_is_bounded_and_loses_nothing_for_it() {
    let cent = Usd::from_dollars(0.01).unwrap();
    let mut ledger = Ledger::default();
    for n in 0..MAX_LEDGER_ROWS + 10 {
        ledger.add(Day(1), &format!("p{n:04}"), cent);
    }
    assert_eq!(ledger.spent.len(), MAX_LEDGER_ROWS);
    assert_eq!(ledger.total(Day(1)), cent.times(266));
}

use super::*;

#[test]
fn backoff_grows_to_its_cap_and_is_spread_from_zero() {
    assert_eq!(backoff(0, 0), Duration::ZERO);
    for failures in [0, 1, 5, 6, 7, 40, u32::MAX] {
        for random in [1, 12_345_678_901, u64::MAX] {
            assert!(backoff(failures, random) < BACKOFF_CAP);
        }
    }
    assert!(backoff(0, u64::MAX) < BACKOFF_FIRST);
    let highest = (0..1_000)
        .map(|i| backoff(9, i * 4_999_999 / 999))
        .max()
        .unwrap();
    assert!(highest > BACKOFF_CAP * 9 / 10, "{highest:?}");
}

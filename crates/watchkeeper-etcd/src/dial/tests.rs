use watchkeeper_core::id::FleetName;
use watchkeeper_core::secret::Secret;

use super::*;

fn options(endpoints: &[&str]) -> EtcdOptions {
    let endpoints = endpoints.iter().map(|e| (*e).to_owned()).collect();
    EtcdOptions::new(FleetName::new("test").unwrap(), endpoints)
}

#[test]
fn options_that_cannot_work_are_refused() {
    let plain = || options(&["etcd:1"]);
    let with = |change: fn(&mut EtcdOptions)| {
        let mut options = plain();
        change(&mut options);
        options
    };
    for (options, words) in [
        (with(|o| o.timeout = Duration::ZERO), "`timeout`"),
        (with(|o| o.username = Some("app".to_owned())), "`password`"),
        (
            with(|o| o.password = Some(Secret::new("hunter2"))),
            "`username`",
        ),
        (with(|o| o.endpoints.clear()), "`endpoints`"),
        (
            with(|o| {
                o.tls = Some(TlsOptions {
                    server_name: Some("no name".to_owned()),
                    ..TlsOptions::default()
                });
            }),
            "`tls.server_name`",
        ),
    ] {
        let Err(error) = Dialer::new(options) else {
            panic!("options without a usable {words} were taken");
        };
        assert_eq!(error.kind, StoreErrorKind::Config);
        assert!(error.message.contains(words), "{error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
    assert!(Dialer::new(plain()).is_ok());
    assert!(Dialer::new(options(&["https://etcd:1"])).is_ok());
}

#[test]
fn a_member_that_is_avoided_comes_last() {
    let dialer = Dialer::new(options(&["a:1", "b:1", "c:1"])).unwrap();
    dialer.first.store(2, Ordering::Relaxed);
    dialer.avoid(1);
    assert_eq!(dialer.first.load(Ordering::Relaxed), 2);
    dialer.avoid(2);
    assert_eq!(dialer.first.load(Ordering::Relaxed), 0);
}

#[test]
fn of_several_failures_the_one_to_be_mended_is_told() {
    let dialer = Dialer::new(options(&["a:1", "b:1"])).unwrap();
    let told = dialer.most_telling(vec![
        Failure::new(StoreErrorKind::Unreachable, "away"),
        Failure::new(StoreErrorKind::Config, "wrong authority"),
    ]);
    assert_eq!(told.kind, StoreErrorKind::Config);
    assert!(told.message.contains("none of the 2"), "{}", told.message);
}

//! A few hundred generated values of every type under every key of ours, and every operation over them: a typed error
//! or a sane answer, never a panic; and as soon as nobody else writes there, the fleet is whole again.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value};
use watchkeeper_core::cache::{Found, MAX_PRESENCE_BYTES, Presence, Published, ReportCache};
use watchkeeper_core::error::StoreError;
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::{Acquired, LeaseRef, LeaseStore, LockState, Renewed, Token};
use watchkeeper_core::report::Report;
use watchkeeper_integration_tests::redis_process::RedisProcess;
use watchkeeper_redis::RedisStore;

use crate::support::{LONG, group, options, publish, request};

/// Some 20 ms each.
const VALUES: u64 = 300;

/// Numbers at which something may break: 2^53 and beyond, more digits than a token has, signs, spaces, other writings.
const NUMBERS: [&str; 16] = [
    "0",
    "1",
    "-1",
    "9007199254740993",
    "9999999999999999",
    "18446744073709551615",
    "18446744073709551616",
    "00000000000000000001",
    "1e15",
    "0x10",
    " 1",
    "1\n",
    "nan",
    "inf",
    "1795358411941123",
    "",
];

/// SplitMix64: the same values on every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn number(&mut self, now: u64) -> String {
        match self.below(5) {
            0 => NUMBERS[self.below(NUMBERS.len())].to_owned(),
            1 => self.next().to_string(),
            2 => (now + self.next() % 200_000_000_000).to_string(),
            _ => (now - self.next() % 100_000_000).to_string(),
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(600);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// What might pass for ours: a lock, a pod's line, a number, the beginning of a report; whole or damaged.
    fn text(&mut self, now: u64) -> Vec<u8> {
        let (a, b, c) = (self.number(now), self.number(now), self.number(now));
        let pod = ["me", "other", "", "a b", "x|y"][self.below(5)];
        let mut text = match self.below(6) {
            0 => format!("wk1|{a}|{b}|{c}|{pod}").into_bytes(),
            1 => format!("wk1|{a}|{b}|{{}}").into_bytes(),
            2 => a.into_bytes(),
            3 => format!("{{\"v\":{a},\"by\":\"{pod}\",\"entries\":[{b}]}}").into_bytes(),
            _ => self.bytes(),
        };
        match self.below(4) {
            0 if !text.is_empty() => {
                let at = self.below(text.len());
                text[at] = self.next().to_le_bytes()[0];
            }
            1 => {
                let at = self.below(text.len() + 1);
                text.truncate(at);
            }
            _ => {}
        }
        text
    }

    /// Every second time of the form that belongs under `key`, with a number that a store may give out or may not.
    fn fitting(&mut self, key: &str, now: u64) -> Vec<u8> {
        if self.below(2) == 0 {
            return self.text(now);
        }
        let (a, ttl) = (self.number(now), [1, 60_000, u64::MAX][self.below(3)]);
        let text = match key.rsplit(':').nth(1) {
            Some("lock") => format!("wk1|{a}|1|{ttl}|other"),
            Some("token" | "report") => a,
            _ => format!("wk1|{a}|{ttl}|{{}}"),
        };
        text.into_bytes()
    }

    /// The commands that put one value of any type under `key`.
    fn value(&mut self, key: &str, now: u64) -> Vec<Cmd> {
        let mut commands = vec![command(&[b"DEL", key.as_bytes()])];
        let count = 1 + self.below(6);
        let put = match self.below(9) {
            0 => return commands,
            1..=3 => command(&[b"SET", key.as_bytes(), &self.fitting(key, now)]),
            4 => self.many(b"RPUSH", key, count, now, |_, _| None),
            5 => self.many(b"SADD", key, count, now, |_, _| None),
            6 => self.many(b"ZADD", key, count, now, |dice, n| {
                Some(format!("{}{n}", dice.below(100)).into_bytes())
            }),
            7 => {
                let mut xadd = command(&[b"XADD", key.as_bytes(), b"*"]);
                xadd.arg(self.text(now)).arg(self.text(now));
                xadd
            }
            _ => self.many(b"HSET", key, count, now, |dice, n| {
                let names = ["token", "edition", "at", "body", "me", "other", "", "a b"];
                Some(match dice.below(9) {
                    8 => format!("f{n}").into_bytes(),
                    name => names[name].as_bytes().to_vec(),
                })
            }),
        };
        commands.push(put);
        match self.below(5) {
            0 => {
                let ms = (1 + self.next() % 1_000_000).to_string();
                commands.push(command(&[b"PEXPIRE", key.as_bytes(), ms.as_bytes()]));
            }
            1 => commands.push(command(&[b"PEXPIRE", key.as_bytes(), b"9000000000000000"])),
            _ => {}
        }
        commands
    }

    /// A command with some values, each after what `before` gives.
    fn many(
        &mut self,
        name: &[u8],
        key: &str,
        count: usize,
        now: u64,
        before: fn(&mut Self, usize) -> Option<Vec<u8>>,
    ) -> Cmd {
        let mut made = command(&[name, key.as_bytes()]);
        for n in 0..count {
            if let Some(first) = before(self, n) {
                made.arg(first);
            }
            made.arg(self.fitting(key, now));
        }
        made
    }
}

fn command(words: &[&[u8]]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

/// Every operation of a pod that knows nothing, and of one that believes to hold the lease.
async fn all_operations(store: &RedisStore, token: Token, n: u64) -> Vec<StoreError> {
    let mut errors = Vec::new();
    let (me, floor) = (PodId::new("me").unwrap(), Token(n % 3));
    let lease = LeaseRef {
        group: group(),
        pod: me.clone(),
        token,
    };
    let mut ask = request("me", n);
    ask.floor = floor;
    match store.inspect(&group()).await {
        Ok(LockState::Held(busy)) if n.is_multiple_of(2) => ask.take = Some(busy.marker),
        Ok(_) => {}
        Err(error) => errors.push(error),
    }
    errors.extend(store.ping().await.err());
    match store.read(&group(), floor).await {
        Ok(read) => {
            assert!(read.fence >= floor, "{read:?}");
            if let Found::Report(stored) = read.found {
                assert!(stored.token <= read.fence, "a report above the fence");
                let _ = Report::decode(&stored.value);
            }
        }
        Err(error) => errors.push(error),
    }
    match store.renew(&lease, LONG).await {
        Ok(Renewed::Extended) => panic!("nobody was granted `{token}`"),
        Ok(Renewed::Lost { .. }) => {}
        Err(error) => errors.push(error),
    }
    match store.acquire(&ask).await {
        Ok(Acquired::Held { token: granted }) => {
            assert!(granted > floor && granted.0 < 1 << 53, "{granted}");
            let mut publish = publish("me", granted, b"found");
            publish.edition = 1 + u32::try_from(n % 5).unwrap();
            match store.publish(&publish).await {
                Ok(Published::Done | Published::Fenced { .. }) => {}
                Err(error) => errors.push(error),
            }
        }
        Ok(Acquired::Busy(busy)) => {
            assert!(
                busy.remaining
                    .is_none_or(|left| left < LONG * 60 * 24 * 365 * 10_000)
            );
            assert!(!busy.marker.0.is_empty());
        }
        Err(error) => errors.push(error),
    }
    let presence = Presence {
        pod: me,
        info: b"{}".as_slice().into(),
        ttl: LONG,
    };
    errors.extend(store.announce(&presence).await.err());
    match store.pods().await {
        Ok(pods) => {
            assert!(
                pods.iter().any(|seen| seen.pod.as_str() == "me"),
                "{pods:?}"
            );
            assert!(
                pods.iter()
                    .all(|seen| seen.info.len() <= MAX_PRESENCE_BYTES + 64)
            );
        }
        Err(error) => errors.push(error),
    }
    errors.extend(store.release(&lease).await.err());
    errors.extend(store.leave(&PodId::new("other").unwrap()).await.err());
    errors
}

async fn put(connection: &mut MultiplexedConnection, commands: Vec<Cmd>) {
    for command in commands {
        // Some make no sense to the server, such as a number beyond its own; then nothing stands there.
        let _ = command.query_async::<Value>(connection).await;
    }
}

#[tokio::test]
async fn whatever_stands_under_the_keys_every_operation_ends_sanely_and_the_fleet_recovers() {
    let redis = RedisProcess::start().await;
    let options = options(&redis.url());
    let prefix = format!("watchkeeper:{{{}}}:", options.fleet);
    let store = RedisStore::connect(options).unwrap();
    let mut connection = redis.connect().await;
    let clock: Vec<u64> = redis.run(&["TIME"]).await;
    let now = clock[0] * 1_000_000;
    let keys = ["lock:g-1", "token:g-1", "report:g-1", "pods"].map(|key| format!("{prefix}{key}"));
    let mut dice = Dice(1);
    for n in 1..=VALUES {
        for key in &keys {
            // Ours stays now and then, beside what is foreign.
            if dice.below(4) > 0 {
                let value = dice.value(key, now);
                put(&mut connection, value).await;
            }
        }
        let errors = all_operations(&store, Token(n), n).await;
        assert!(errors.is_empty(), "value {n}: {errors:?}");
    }
    recovers(&store, &redis, &keys).await;
}

/// What stands there was last written by a stranger; two pods of ours find to each other.
async fn recovers(store: &RedisStore, redis: &RedisProcess, keys: &[String]) {
    for key in keys {
        let _: i64 = redis.run(&["DEL", key]).await;
        let _: i64 = redis.run(&["RPUSH", key, "garbage"]).await;
    }
    let Acquired::Busy(busy) = store.acquire(&request("a", 1)).await.unwrap() else {
        panic!("garbage is not taken at once");
    };
    assert_eq!((busy.holder, busy.remaining), (None, None));
    let mut take = request("a", 2);
    take.take = Some(busy.marker);
    let Acquired::Held { token } = store.acquire(&take).await.unwrap() else {
        panic!("the dead lock is not taken");
    };
    let done = store.publish(&publish("a", token, b"found")).await.unwrap();
    assert_eq!(done, Published::Done);
    for pod in ["a", "b"] {
        let presence = Presence {
            pod: PodId::new(pod).unwrap(),
            info: b"".as_slice().into(),
            ttl: Duration::from_secs(15),
        };
        store.announce(&presence).await.unwrap();
    }
    assert_eq!(store.pods().await.unwrap().len(), 2);
    let read = store.read(&group(), Token::ZERO).await.unwrap();
    assert!(matches!(read.found, Found::Report(found) if found.value == b"found"));
    let Acquired::Held { token: next } = store.acquire(&request("b", 1)).await.unwrap() else {
        panic!("the lease was released");
    };
    assert!(next > token);
}

//! A group's three keys as they stood at one revision of the store, and the transactions that look at them or change
//! them only if they still stand so.
//!
//! ```text
//!   look ──▶ View ──decide──▶ Step ──commit──▶ done: the View after it
//!                  ▲                   └─────▶ changed: the View that stands there now, in the same answer
//! ```

use etcd_client::{
    Compare, CompareOp, GetOptions, GetResponse, KeyValue, PutOptions, Txn, TxnOp, TxnOpResponse,
    TxnResponse,
};
use watchkeeper_core::error::StoreErrorKind;
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::Token;

use crate::error::Failure;
use crate::value::{Head, Lock, parse_token};

/// The names of a group's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupKeys {
    pub(crate) lock: String,
    pub(crate) token: String,
    pub(crate) report: String,
}

/// What stands under one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot<T> {
    /// The revision that put it there; 0 where nothing stands.
    pub(crate) revision: i64,
    /// The etcd lease that it hangs on; 0 for none.
    pub(crate) lease: i64,
    /// How many bytes it has.
    pub(crate) size: usize,
    /// What it says; `None` where nothing stands, and for what no pod wrote.
    pub(crate) value: Option<T>,
}

impl<T> Slot<T> {
    const EMPTY: Self = Self {
        revision: 0,
        lease: 0,
        size: 0,
        value: None,
    };

    pub(crate) const fn is_empty(&self) -> bool {
        self.revision == 0
    }

    /// Whether something stands there that no pod wrote.
    pub(crate) const fn is_foreign(&self) -> bool {
        !self.is_empty() && self.value.is_none()
    }

    pub(crate) fn of(found: Option<&KeyValue>, parse: impl FnOnce(&[u8]) -> Option<T>) -> Self {
        found.map_or(Self::EMPTY, |kv| Self {
            revision: kv.mod_revision(),
            lease: kv.lease(),
            size: kv.value().len(),
            value: parse(kv.value()),
        })
    }
}

/// A group's keys at one revision of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The store's revision when they stood so.
    pub(crate) revision: i64,
    pub(crate) lock: Slot<Lock>,
    pub(crate) token: Slot<Token>,
    pub(crate) report: Slot<Head>,
}

impl View {
    /// The highest token that the store knows for the group, wherever it stands.
    pub(crate) fn known(&self) -> Token {
        let lock = self.lock.value.as_ref().map(|lock| lock.token);
        let report = self.report.value.map(|head| head.token);
        self.token
            .value
            .max(lock)
            .max(report)
            .unwrap_or(Token::ZERO)
    }

    /// Whether the lock is held by this pod under this token.
    pub(crate) fn is_held(&self, pod: &PodId, token: Token) -> bool {
        let lock = self.lock.value.as_ref();
        lock.is_some_and(|lock| lock.pod == *pod && lock.token == token)
    }

    /// Who holds the lock.
    pub(crate) fn holder(&self) -> Option<PodId> {
        self.lock.value.as_ref().map(|lock| lock.pod.clone())
    }

    /// The look that reads all three values, in one step.
    pub(crate) fn look(keys: &GroupKeys) -> Txn {
        Txn::new().and_then(gets(keys, None))
    }

    /// The look that leaves a report where it is that was seen before.
    pub(crate) fn look_again(keys: &GroupKeys, seen: &Self) -> Txn {
        Txn::new()
            .when([same(&keys.report, seen.report.revision)])
            .and_then(gets(keys, Some(GetOptions::new().with_keys_only())))
            .or_else(gets(keys, None))
    }

    /// What a look found, and the report's bytes where it read them. `seen` is what the look was told of.
    pub(crate) fn of(
        answer: &TxnResponse,
        seen: Option<&Self>,
    ) -> Result<(Self, Vec<u8>), Failure> {
        let revision = revision(answer)?;
        let mut found = Vec::with_capacity(3);
        flatten(answer, &mut found);
        let [lock, token, report] = found.as_slice() else {
            return Err(strange("a transaction without what it was to read"));
        };
        let report = report.kvs().first();
        let unchanged = seen.filter(|seen| {
            !seen.report.is_empty()
                && Some(seen.report.revision) == report.map(KeyValue::mod_revision)
        });
        let mut body = Vec::new();
        let report = match unchanged {
            Some(seen) => seen.report.clone(),
            None => Slot::of(report, |value| {
                let (head, rest) = Head::parse(value)?;
                body = rest.to_vec();
                Some(head)
            }),
        };
        let view = Self {
            revision,
            lock: Slot::of(lock.kvs().first(), Lock::parse),
            token: Slot::of(token.kvs().first(), parse_token),
            report,
        };
        Ok((view, body))
    }
}

fn gets(keys: &GroupKeys, report: Option<GetOptions>) -> Vec<TxnOp> {
    vec![
        TxnOp::get(keys.lock.as_str(), None),
        TxnOp::get(keys.token.as_str(), None),
        TxnOp::get(keys.report.as_str(), report),
    ]
}

fn same(key: &str, revision: i64) -> Compare {
    Compare::mod_revision(key, CompareOp::Equal, revision)
}

/// The answers of all reads, those of a transaction within too.
fn flatten(answer: &TxnResponse, into: &mut Vec<GetResponse>) {
    for response in answer.op_responses() {
        match response {
            TxnOpResponse::Get(get) => into.push(get),
            TxnOpResponse::Txn(inner) => flatten(&inner, into),
            TxnOpResponse::Put(_) | TxnOpResponse::Delete(_) => {}
        }
    }
}

/// The store's revision in which the transaction was answered.
pub(crate) fn revision(answer: &TxnResponse) -> Result<i64, Failure> {
    let header = answer.header();
    header
        .map(etcd_client::ResponseHeader::revision)
        .ok_or_else(|| strange("a transaction without a revision"))
}

fn strange(what: &str) -> Failure {
    Failure::new(
        StoreErrorKind::Protocol,
        format!("etcd answered {what}: is it etcd"),
    )
}

/// Changes that are made together, if the group still stands as it was seen.
pub(crate) struct Step<'a> {
    keys: &'a GroupKeys,
    seen: &'a View,
    ops: Vec<TxnOp>,
    after: View,
}

/// The revision of what this step puts, until it is known.
const THIS_STEP: i64 = -1;

impl<'a> Step<'a> {
    pub(crate) fn new(keys: &'a GroupKeys, seen: &'a View) -> Self {
        Self {
            keys,
            seen,
            ops: Vec::new(),
            after: seen.clone(),
        }
    }

    pub(crate) fn put_lock(&mut self, lock: Lock, lease: i64) {
        let value = lock.encode();
        self.after.lock = put(lease, value.len(), lock);
        self.push(&self.keys.lock, value.into_bytes(), lease);
    }

    pub(crate) fn delete_lock(&mut self) {
        self.after.lock = Slot::EMPTY;
        self.ops.push(TxnOp::delete(self.keys.lock.as_str(), None));
    }

    pub(crate) fn put_token(&mut self, token: Token, lease: i64) {
        let value = token.to_string();
        self.after.token = put(lease, value.len(), token);
        self.push(&self.keys.token, value.into_bytes(), lease);
    }

    pub(crate) fn put_report(&mut self, head: Head, body: &[u8], lease: i64) {
        let value = head.before(body);
        self.after.report = put(lease, value.len(), head);
        self.push(&self.keys.report, value, lease);
    }

    fn push(&mut self, key: &str, value: Vec<u8>, lease: i64) {
        let options = PutOptions::new().with_lease(lease);
        self.ops.push(TxnOp::put(key, value, Some(options)));
    }

    /// What the step was decided on.
    pub(crate) fn seen(&self) -> &'a View {
        self.seen
    }

    /// The transaction: the changes if nothing else changed, and a look if it did.
    pub(crate) fn txn(&mut self) -> Txn {
        let (keys, seen) = (self.keys, self.seen);
        Txn::new()
            .when([
                same(&keys.lock, seen.lock.revision),
                same(&keys.token, seen.token.revision),
                same(&keys.report, seen.report.revision),
            ])
            .and_then(std::mem::take(&mut self.ops))
            .or_else([TxnOp::txn(View::look_again(keys, seen))])
    }

    /// What stands there once the transaction was done in this revision.
    pub(crate) fn after(self, revision: i64) -> View {
        let mut after = self.after;
        after.revision = revision;
        for at in [
            &mut after.lock.revision,
            &mut after.token.revision,
            &mut after.report.revision,
        ] {
            if *at == THIS_STEP {
                *at = revision;
            }
        }
        after
    }
}

const fn put<T>(lease: i64, size: usize, value: T) -> Slot<T> {
    Slot {
        revision: THIS_STEP,
        lease,
        size,
        value: Some(value),
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Reading what the scripts answer: an array whose first word says what it is.

use std::time::Duration;

use redis::Value;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
use watchkeeper_core::id::PodId;
use watchkeeper_core::lease::{Busy, Marker, Token};

/// The fields of one answer, taken from the front.
pub(crate) struct Reply {
    op: StoreOp,
    fields: std::vec::IntoIter<Value>,
}

impl Reply {
    pub(crate) fn new(op: StoreOp, value: Value) -> Result<Self, StoreError> {
        let Value::Array(fields) = value else {
            return Err(strange(op));
        };
        let fields = fields.into_iter();
        Ok(Self { op, fields })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.len() == 0
    }

    pub(crate) fn ok(&mut self) -> Result<(), StoreError> {
        match self.text()?.as_str() {
            "ok" => Ok(()),
            _ => Err(self.strange()),
        }
    }

    /// Whether something stood under the key that no pod can have written.
    pub(crate) fn foreign(&mut self) -> Result<bool, StoreError> {
        match self.text()?.as_str() {
            "foreign" => Ok(true),
            "ours" => Ok(false),
            _ => Err(self.strange()),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        match self.fields.next() {
            Some(Value::BulkString(bytes)) => Ok(bytes),
            _ => Err(self.strange()),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        let bytes = self.bytes()?;
        String::from_utf8(bytes).map_err(|_| self.strange())
    }

    pub(crate) fn number<T: std::str::FromStr>(&mut self) -> Result<T, StoreError> {
        let text = self.text()?;
        text.parse().map_err(|_| self.strange())
    }

    pub(crate) fn token(&mut self) -> Result<Token, StoreError> {
        self.number().map(Token)
    }

    pub(crate) fn micros(&mut self) -> Result<Duration, StoreError> {
        self.number().map(Duration::from_micros)
    }

    /// A pod's name; none where the text is empty or no name.
    pub(crate) fn pod(&mut self) -> Result<Option<PodId>, StoreError> {
        Ok(PodId::new(self.text()?).ok())
    }

    pub(crate) fn busy(&mut self) -> Result<Busy, StoreError> {
        let holder = self.pod()?;
        let token = self.text()?.parse().ok().map(Token);
        let remaining = match self.fields.next() {
            Some(Value::Int(millis)) => u64::try_from(millis).ok().map(Duration::from_millis),
            _ => return Err(self.strange()),
        };
        let marker = Marker(self.text()?);
        Ok(Busy {
            holder,
            token,
            remaining,
            marker,
        })
    }

    /// The answer is not one that the script gives. The step itself may well have been done.
    pub(crate) fn strange(&self) -> StoreError {
        strange(self.op)
    }
}

fn strange(op: StoreOp) -> StoreError {
    let why = "the script's answer is not one that it gives: is there a proxy in between that rewrites answers";
    crate::error::Failure::new(StoreErrorKind::Protocol, why).of(op, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Anything that the driver can read off the wire.
    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            proptest::sample::select(vec![
                "ok",
                "busy",
                "ours",
                "foreign",
                "",
                "0",
                "9",
                "18446744073709551615",
                "18446744073709551616",
                "-1",
                "+1",
                "other",
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
            proptest::collection::vec(any::<u8>(), 0..24),
        ];
        let leaf = prop_oneof![
            4 => text.prop_map(Value::BulkString),
            1 => any::<i64>().prop_map(Value::Int),
            1 => any::<f64>().prop_map(Value::Double),
            1 => any::<bool>().prop_map(Value::Boolean),
            1 => ".{0,8}".prop_map(Value::SimpleString),
            1 => Just(Value::Nil),
            1 => Just(Value::Okay),
        ];
        leaf.prop_recursive(2, 24, 8, |inner| {
            prop_oneof![
                3 => proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Set),
                1 => proptest::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn any_answer_is_fields_or_a_protocol_error(value in value(), steps in proptest::collection::vec(0..8, 0..12)) {
            let Ok(mut reply) = Reply::new(StoreOp::Read, value) else { return Ok(()) };
            for step in steps {
                let left = reply.fields.len();
                let taken = match step {
                    0 => reply.ok(),
                    1 => reply.foreign().map(drop),
                    2 => reply.bytes().map(drop),
                    3 => reply.text().map(drop),
                    4 => reply.token().map(drop),
                    5 => reply.micros().map(drop),
                    6 => reply.pod().map(drop),
                    _ => reply.busy().map(drop),
                };
                prop_assert!(left > 0 || taken.is_err(), "a field out of nothing");
                if let Err(error) = taken {
                    prop_assert_eq!(error.kind, StoreErrorKind::Protocol);
                    prop_assert!(error.may_have_landed);
                }
            }
        }
    }
}

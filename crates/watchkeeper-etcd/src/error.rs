use etcd_client::Error;
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: StoreErrorKind,
    pub(crate) message: String,
    gone: bool,
}
impl Failure {
    pub(crate) fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            gone: false,
        }
    }
    pub(crate) fn of(self, op: StoreOp, _sent: bool) -> StoreError {
        StoreError::unknown(self.kind, op, self.message)
    }
    pub(crate) fn is_lease_gone(&self) -> bool {
        self.gone
    }
}
impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let message = e.to_string();
        let gone = message.contains("lease not found");
        Self {
            kind: StoreErrorKind::Protocol,
            message,
            gone,
        }
    }
}

use crate::error::Failure;
use crate::options::EtcdOptions;
use etcd_client::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, OnceCell};
use watchkeeper_core::error::{StoreError, StoreErrorKind, StoreOp};
pub(crate) struct Link {
    endpoints: Vec<String>,
    timeout: Duration,
    client: OnceCell<Client>,
}
impl Link {
    pub(crate) fn new(options: &EtcdOptions, _up: Arc<Notify>) -> Result<Self, StoreError> {
        Ok(Self {
            endpoints: options.endpoints.clone(),
            timeout: options.timeout,
            client: OnceCell::new(),
        })
    }
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(self
            .client
            .get_or_try_init(|| Client::connect(self.endpoints.clone(), None))
            .await?
            .clone())
    }
    pub(crate) async fn run<T, F, Fut>(&self, op: StoreOp, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(Client) -> Fut + Send,
        Fut: Future<Output = Result<T, Failure>> + Send,
        T: Send,
    {
        let done =
            tokio::time::timeout(self.timeout, async { work(self.client().await?).await }).await;
        done.unwrap_or_else(|_| Err(Failure::new(StoreErrorKind::Timeout, "no answer")))
            .map_err(|f| f.of(op, true))
    }
}

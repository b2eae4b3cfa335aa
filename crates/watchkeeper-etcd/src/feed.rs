use crate::link::Link;
use etcd_client::{EventType, WatchOptions};
use futures_util::stream::{self, StreamExt};
use std::sync::{Arc, OnceLock};
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast};
use tokio_stream::wrappers::BroadcastStream;
use tokio_util::task::AbortOnDropHandle;
use watchkeeper_core::cache::{Notice, Notices};
use watchkeeper_core::id::GroupId;
pub(crate) struct Feed {
    link: Arc<Link>,
    prefix: String,
    sender: broadcast::Sender<Notice>,
    runtime: Handle,
    task: OnceLock<AbortOnDropHandle<()>>,
}
impl Feed {
    pub(crate) fn new(link: Arc<Link>, prefix: String, _up: Arc<Notify>, runtime: Handle) -> Self {
        Self {
            link,
            prefix,
            sender: broadcast::Sender::new(256),
            runtime,
            task: OnceLock::new(),
        }
    }
    pub(crate) fn watch(&self) -> Notices {
        let later = BroadcastStream::new(self.sender.subscribe());
        self.task.get_or_init(|| {
            let (link, prefix, sender) =
                (self.link.clone(), self.prefix.clone(), self.sender.clone());
            AbortOnDropHandle::new(self.runtime.spawn(async move {
                let Ok(mut client) = link.client().await else {
                    return;
                };
                let Ok(mut watch) = client
                    .watch(prefix.as_str(), Some(WatchOptions::new().with_prefix()))
                    .await
                else {
                    return;
                };
                while let Ok(Some(answer)) = watch.message().await {
                    for event in answer.events() {
                        let Some(key) = event
                            .kv()
                            .and_then(|kv| kv.key_str().ok())
                            .and_then(|k| k.strip_prefix(&prefix))
                        else {
                            continue;
                        };
                        let Some((place, group)) = key.split_once('/') else {
                            continue;
                        };
                        let Ok(group) = GroupId::new(group) else {
                            continue;
                        };
                        let _ = match (place, event.event_type()) {
                            ("report", EventType::Put) => sender.send(Notice::Report { group }),
                            ("lock", EventType::Delete) => sender.send(Notice::Released { group }),
                            _ => Ok(0),
                        };
                    }
                }
            }))
        });
        Box::pin(stream::iter([Notice::Resumed]).chain(later.map(|n| n.unwrap_or(Notice::Resumed))))
    }
}

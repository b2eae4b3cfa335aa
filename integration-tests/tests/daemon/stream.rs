//! A pod's stream of events.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::SOON;

/// A stream, as a browser would read it.
pub(crate) struct Stream(BufReader<TcpStream>);

/// An event: its name, its id, its data.
pub(crate) type Event = (String, String, Value);

impl Stream {
    /// Of these types of events, after this id.
    pub(crate) async fn open(pod: SocketAddr, types: &str, last: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(pod).await.unwrap();
        let last = last.map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
        let request = format!("GET /v1/events?types={types} HTTP/1.1\r\nhost: x\r\n{last}\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self(BufReader::new(socket))
    }

    /// The next event; what only moves the id is none, nor is a comment.
    pub(crate) async fn next(&mut self) -> Event {
        let read = async {
            let (mut name, mut id, mut line) = (String::new(), String::new(), String::new());
            loop {
                line.clear();
                assert_ne!(self.0.read_line(&mut line).await.unwrap(), 0, "it ended");
                if let Some(value) = line.trim().strip_prefix("event: ") {
                    value.clone_into(&mut name);
                } else if let Some(value) = line.trim().strip_prefix("id: ") {
                    value.clone_into(&mut id);
                } else if let Some(value) = line.trim().strip_prefix("data: ") {
                    return (name, id, serde_json::from_str(value).unwrap());
                }
            }
        };
        tokio::time::timeout(SOON, read)
            .await
            .expect("nothing comes")
    }
}

//! The harness itself: a fault that does not happen would make every fleet test prove nothing.

use std::time::{Duration, Instant};

use redis::RedisError;
use watchkeeper_integration_tests::daemon::Setup;
use watchkeeper_integration_tests::eventually;
use watchkeeper_integration_tests::http;
use watchkeeper_integration_tests::litellm_config::NativeConfig;
use watchkeeper_integration_tests::mock_llm::{Behaviour, End, MockLlm};
use watchkeeper_integration_tests::proxy::{Mode, Proxy, contains};
use watchkeeper_integration_tests::redis_process::RedisProcess;

const SOON: Duration = Duration::from_secs(5);

mod mock {
    use super::*;
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use hyper::{Request, StatusCode};
    use hyper_util::rt::TokioIo;
    use serde_json::{Value, json};
    use tokio::net::TcpStream;

    async fn ask(
        mock: &MockLlm,
        path: &str,
        model: &str,
    ) -> Result<(StatusCode, Bytes), hyper::Error> {
        let stream = TcpStream::connect(mock.address()).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let task = tokio::spawn(connection);
        let body = json!({"model": model, "messages": [], "input": "x"}).to_string();
        let request = Request::post(path)
            .header("host", "mock")
            .header("authorization", "Bearer sk-1")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let answer = sender.send_request(request).await;
        let answer = answer?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        task.abort();
        Ok((status, body))
    }

    #[tokio::test]
    async fn each_behaviour_is_what_its_name_says_and_every_request_is_remembered() {
        let mock = MockLlm::start().await;
        mock.set("slow", Behaviour::Delay(Duration::from_millis(150)));
        mock.set("limited", Behaviour::Status(429));
        mock.set("odd", Behaviour::Garbage);
        mock.set("gone", Behaviour::Close);

        let (status, body) = ask(&mock, "/v1/chat/completions", "good").await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status.as_u16(), &body["object"]),
            (200, &json!("chat.completion"))
        );
        let (_, body) = ask(&mock, "/v1/embeddings", "good").await.unwrap();
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap()["object"],
            "list"
        );
        let began = Instant::now();
        ask(&mock, "/v1/chat/completions", "slow").await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(150));
        let (status, body) = ask(&mock, "/v1/chat/completions", "limited").await.unwrap();
        assert_eq!(status, 429);
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap()["error"]["code"],
            "rate_limit_exceeded"
        );
        let (_, body) = ask(&mock, "/v1/chat/completions", "odd").await.unwrap();
        assert!(serde_json::from_slice::<Value>(&body).is_err());
        assert!(ask(&mock, "/v1/chat/completions", "gone").await.is_err());

        let seen = mock.asked();
        let models: Vec<&str> = seen
            .all()
            .iter()
            .map(|asked| asked.model.as_str())
            .collect();
        assert_eq!(models, ["good", "good", "slow", "limited", "odd", "gone"]);
        assert_eq!(seen.all()[0].key.as_deref(), Some("sk-1"));
        assert_eq!(seen.all()[5].ended.map(|(_, how)| how), Some(End::Closed));
        assert_eq!(seen.count("good"), 2);
        assert_eq!(seen.gaps("good").len(), 1);
    }

    #[tokio::test]
    async fn a_daemon_whose_http_proxy_is_a_door_is_told_apart_and_others_are_not() {
        let mut mock = MockLlm::start().await;
        let door = mock.open_door("pod-x").await;
        let toml = NativeConfig::new(&mock.api_base(), &["m"]).toml();
        let setup = Setup::new().toml(toml);
        for setup in [
            setup.clone(),
            setup.env("HTTP_PROXY", format!("http://{door}")),
        ] {
            assert_eq!(setup.run(&["check"], SOON).await.code, Some(0));
        }
        let seen = mock.asked();
        let doors: Vec<_> = seen
            .all()
            .iter()
            .map(|asked| asked.door.as_deref())
            .collect();
        assert_eq!(doors, [None, Some("pod-x")]);
    }

    #[tokio::test]
    async fn a_held_request_is_answered_when_the_behaviour_changes() {
        let mock = MockLlm::start().await;
        mock.set("m", Behaviour::Hold);
        let (answer, ()) = tokio::join!(ask(&mock, "/v1/chat/completions", "m"), async {
            let seen = mock.wait_for_starts("m", 1, SOON).await;
            assert!(seen.all()[0].ended.is_none());
            mock.set("m", Behaviour::Status(500));
        });
        assert_eq!(answer.unwrap().0, 500);
    }

    #[tokio::test]
    async fn a_client_that_goes_away_is_recorded_as_such() {
        let mock = MockLlm::start().await;
        mock.set("m", Behaviour::Hold);
        let mut stream = TcpStream::connect(mock.address()).await.unwrap();
        let body = r#"{"model":"m"}"#;
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes())
            .await
            .unwrap();
        mock.wait_for_starts("m", 1, SOON).await;
        drop(stream);
        let seen = mock
            .wait_for("the request to end", SOON, |seen| {
                seen.all()[0].ended.is_some()
            })
            .await;
        assert_eq!(seen.all()[0].ended.unwrap().1, End::ClientGone);
    }
}

async fn connect(proxy: &Proxy) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(format!("redis://{}/", proxy.address())).unwrap();
    let config = redis::AsyncConnectionConfig::new()
        .set_response_timeout(Some(Duration::from_millis(300)))
        .set_connection_timeout(Some(Duration::from_millis(300)));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap()
}

async fn set(
    connection: &mut redis::aio::MultiplexedConnection,
    key: &str,
) -> Result<(), RedisError> {
    redis::cmd("SET")
        .arg(key)
        .arg("1")
        .query_async(connection)
        .await
}

#[tokio::test]
async fn a_killed_redis_comes_back_empty_on_its_address_and_a_frozen_one_keeps_its_data() {
    let mut redis = RedisProcess::start().await;
    redis.run::<()>(&["SET", "a", "1"]).await;
    redis.freeze();
    let client = redis::Client::open(redis.url()).unwrap();
    let silent = tokio::time::timeout(
        Duration::from_millis(300),
        client.get_multiplexed_async_connection(),
    );
    assert!(
        silent.await.map_or(true, |connected| connected.is_err()),
        "a frozen server answered"
    );
    redis.wake();
    assert_eq!(redis.keys("*").await, ["a"]);
    redis.kill().await;
    assert!(
        http::request(redis.address(), hyper::Method::GET, "/", None)
            .await
            .is_err()
    );
    redis.start_again().await;
    assert!(redis.keys("*").await.is_empty());
}

#[tokio::test]
async fn a_dropped_network_is_silent_and_cuts_what_lost_bytes_when_it_heals() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mut connection = connect(&proxy).await;
    set(&mut connection, "a").await.unwrap();
    proxy.set(Mode::Drop);
    assert!(set(&mut connection, "b").await.unwrap_err().is_timeout());
    proxy.set(Mode::Pass);
    eventually("the connection that lost bytes ends", SOON, async || {
        let error = set(&mut connection.clone(), "c").await.unwrap_err();
        error.is_connection_dropped() || error.is_io_error()
    })
    .await;
    set(&mut connect(&proxy).await, "d").await.unwrap();
    assert_eq!(redis.keys("*").await, ["a", "d"]);
}

#[tokio::test]
async fn lost_replies_leave_the_write_in_the_store() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mut connection = connect(&proxy).await;
    proxy.set(Mode::LoseReplies);
    assert!(set(&mut connection, "a").await.unwrap_err().is_timeout());
    assert_eq!(redis.keys("*").await, ["a"]);
}

#[tokio::test]
async fn only_the_chosen_answer_is_lost_and_only_as_often_as_asked() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    proxy.lose_answer(1, |bytes| contains(bytes, "chosen"));
    let mut connection = connect(&proxy).await;
    set(&mut connection, "other").await.unwrap();
    assert!(proxy.lost().is_empty());
    assert!(set(&mut connection, "chosen").await.is_err());
    proxy.wait_for_lost(1, SOON).await;
    assert_eq!(redis.keys("*").await, ["chosen", "other"]);
    set(&mut connect(&proxy).await, "chosen").await.unwrap();
    assert_eq!(proxy.lost().len(), 1);
}

#[tokio::test]
async fn a_cut_ends_old_connections_and_refuses_new_ones_until_it_is_lifted() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mut connection = connect(&proxy).await;
    proxy.set(Mode::Cut);
    assert!(set(&mut connection, "a").await.is_err());
    let client = redis::Client::open(format!("redis://{}/", proxy.address())).unwrap();
    assert!(client.get_multiplexed_async_connection().await.is_err());
    proxy.set(Mode::Pass);
    set(&mut connect(&proxy).await, "b").await.unwrap();
}

#[tokio::test]
async fn lost_requests_do_not_reach_the_store_and_the_connection_stays_open() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mut connection = connect(&proxy).await;
    proxy.set(Mode::LoseRequests);
    assert!(set(&mut connection, "a").await.unwrap_err().is_timeout());
    assert!(redis.keys("*").await.is_empty());
}

#[tokio::test]
async fn answers_are_cut_in_their_middle_and_the_next_connection_lives_as_long() {
    let redis = RedisProcess::start().await;
    redis.run::<()>(&["SET", "long", &"x".repeat(100)]).await;
    let proxy = Proxy::start(redis.address()).await;
    let mut ends = Vec::new();
    proxy.set(Mode::CutAnswers(50));
    for _ in 0..2 {
        let mut stream = tokio::net::TcpStream::connect(proxy.address())
            .await
            .unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET long\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)
            .await
            .unwrap();
        ends.push(answer.len());
    }
    assert_eq!(ends, [50, 50]);
}

#[tokio::test]
async fn a_durable_redis_keeps_its_data_over_a_kill_until_it_is_wiped() {
    let mut redis = RedisProcess::start_durable().await;
    redis.run::<()>(&["SET", "a", "1"]).await;
    redis.kill().await;
    redis.start_again().await;
    eventually("the data is loaded", SOON, async || {
        redis.try_run(&["KEYS", "*"]).await == Ok(vec!["a".to_owned()])
    })
    .await;
    redis.kill().await;
    redis.wipe();
    redis.start_again().await;
    assert!(redis.keys("*").await.is_empty());
}

#[tokio::test]
async fn delay_and_throttle_make_an_answer_late() {
    let redis = RedisProcess::start().await;
    let proxy = Proxy::start(redis.address()).await;
    let mut connection = connect(&proxy).await;
    let delay = Duration::from_millis(60);
    proxy.set(Mode::Delay {
        to_server: delay,
        to_client: delay,
    });
    let began = Instant::now();
    set(&mut connection, "a").await.unwrap();
    assert!(began.elapsed() >= 2 * delay, "{:?}", began.elapsed());
    // `SET a 1` is 27 bytes, its answer 5.
    proxy.set(Mode::Throttle(200));
    let began = Instant::now();
    set(&mut connection, "a").await.unwrap();
    assert!(
        began.elapsed() >= Duration::from_millis(150),
        "{:?}",
        began.elapsed()
    );
}

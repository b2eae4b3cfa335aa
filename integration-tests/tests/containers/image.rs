//! What the image is, and what it does before it has a configuration.

use watchkeeper_integration_tests::litellm_config::NativeConfig;

use crate::stage::{docker, folder_with, image, try_docker};

#[tokio::test]
async fn the_image_runs_as_nobody_and_listens_for_others() {
    let format = "{{.Config.User}} {{json .Config.ExposedPorts}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.WorkingDir}}";
    let found = docker(&["image", "inspect", "--format", format, &image()]).await;
    assert_eq!(
        found,
        "65532:65532 {\"4100/tcp\":{}} [\"/watchkeeper\"] [\"run\"] /etc/watchkeeper"
    );
}

/// Of the image itself; engines add files of their own to a container.
#[tokio::test]
async fn there_is_nothing_in_it_but_the_binary_and_what_it_loads() {
    let name = format!("wk-test-{}-files", std::process::id());
    docker(&["create", "--name", &name, &image()]).await;
    let listing = std::process::Command::new("sh")
        .args(["-c", "docker export \"$0\" | tar -t", &name])
        .output()
        .unwrap();
    docker(&["rm", &name]).await;
    let listing = String::from_utf8(listing.stdout).unwrap();
    let engines = [
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/mtab",
        ".dockerenv",
    ];
    for file in listing.lines().filter(|line| !line.ends_with('/')) {
        let known = engines.contains(&file)
            || file.starts_with("dev/")
            || ["watchkeeper", "etc/nsswitch.conf"].contains(&file)
            || file.contains(".so");
        assert!(known, "`{file}` is in the image:\n{listing}");
    }
    assert!(
        listing.lines().any(|line| line == "watchkeeper"),
        "{listing}"
    );
}

#[tokio::test]
async fn without_a_key_it_does_not_start() {
    let config = NativeConfig::new("http://127.0.0.1:9/v1", &["m1"]).toml();
    let files = folder_with(&config);
    let mount = format!("{}:/etc/watchkeeper:ro", files.path().display());
    let run = [
        "run",
        "--rm",
        "--network",
        "none",
        "--volume",
        &mount,
        &image(),
    ];
    let said = try_docker(&run).await.unwrap_err();
    assert!(
        said.contains("http.api_keys") && said.contains("0.0.0.0:4100"),
        "{said}"
    );
}

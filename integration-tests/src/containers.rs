//! Servers in containers, where an engine answers (`DOCKER_HOST` names it, else its default socket).

use std::time::Duration;

use testcontainers::core::client::docker_client_instance;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

const REQUIRE_VARIABLE: &str = "WATCHKEEPER_TEST_REQUIRE_CONTAINER";
/// From the start of the container until the server says that it is ready.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running container.
pub(crate) type Container = ContainerAsync<GenericImage>;

/// How a server is run in a container.
pub(crate) struct Recipe {
    /// The environment variable that names the image.
    pub(crate) variable: &'static str,
    /// The image where it names none.
    pub(crate) image: &'static str,
    /// The server's port inside.
    pub(crate) port: u16,
    /// What it says once it is ready.
    pub(crate) ready: WaitFor,
    /// What the container runs.
    pub(crate) command: &'static [&'static str],
    /// The program of this machine that stands in.
    pub(crate) stand_in: &'static str,
}

impl Recipe {
    /// The container and the address of its server; nothing where there is no engine or no image, which is said in one
    /// line: a program of this machine has to stand in.
    ///
    /// # Panics
    /// When there is none although `WATCHKEEPER_TEST_REQUIRE_CONTAINER` is 1.
    pub(crate) async fn run(self) -> Option<(Container, String)> {
        let (variable, stand_in) = (self.variable, self.stand_in);
        let why = match engine().await {
            Ok(()) => match self.container().await {
                Ok(started) => return Some(started),
                Err(why) => why,
            },
            Err(why) => format!("no container engine answers ({why})"),
        };
        let required = std::env::var(REQUIRE_VARIABLE).is_ok_and(|value| value == "1");
        assert!(
            !required,
            "{REQUIRE_VARIABLE}=1, and {why}: start an engine, or name it in DOCKER_HOST; name an image that it has in \
             {variable}"
        );
        #[allow(clippy::print_stderr)] // which server was used belongs to the test's result
        {
            eprintln!("note: {why}; a local `{stand_in}` stands in");
        }
        None
    }

    async fn container(self) -> Result<(Container, String), String> {
        let image = std::env::var(self.variable).unwrap_or_else(|_| self.image.to_owned());
        // A registry's port also follows a colon; a tag holds no slash.
        let (name, tag) = match image.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (image.as_str(), "latest"),
        };
        let said =
            |e: testcontainers::TestcontainersError| format!("image `{image}` does not run: {e}");
        let container = GenericImage::new(name, tag)
            .with_exposed_port(self.port.tcp())
            .with_wait_for(self.ready)
            .with_cmd(self.command.iter().copied())
            .with_startup_timeout(START_LIMIT)
            .start()
            .await
            .map_err(said)?;
        let host = container.get_host().await.map_err(said)?;
        let port = container
            .get_host_port_ipv4(self.port.tcp())
            .await
            .map_err(said)?;
        Ok((container, format!("{host}:{port}")))
    }
}

async fn engine() -> Result<(), String> {
    let client = docker_client_instance().await.map_err(|e| e.to_string())?;
    client.ping().await.map_err(|e| e.to_string())?;
    Ok(())
}

# Short names for the scripts; nothing needs `just`, each recipe can be typed as it stands.

# Lists the recipes.
default:
    @just --list --unsorted

# Formatting, log words, boundaries, dependencies, clippy. Reads only.
check:
    .ci/check.sh

# Mends what a tool can mend.
fix:
    cargo clippy --workspace --all-targets --locked --fix --allow-dirty --allow-staged
    cargo fmt --all

# Every test that needs no server.
test:
    scripts/test.sh unit

# Each backend's promises against real servers.
test-live:
    scripts/test.sh live

# What is in deploy/, without a cluster; the image, as a network of containers.
test-deploy:
    scripts/test.sh deploy containers

# The compose section of docs/deploy.md as it is written.
compose-tour BINARY="target/debug/watchkeeper":
    scripts/compose-tour.sh {{ BINARY }}

# All tests: the crates', the live ones, fleets of daemons, timing.
test-all:
    scripts/test.sh

# Faults on real daemons for so many minutes, and a verdict; `--seed N` repeats a run, `--help` lists the rest.
chaos MINUTES="10" *ARGS:
    cargo build --locked --package watchkeeper
    cargo run --locked --package watchkeeper-integration-tests --bin chaos -- {{ MINUTES }} {{ ARGS }}

# One seed of the simulated fleets, in all weathers or one: `just sim 12 --weather storm`.
sim SEED *ARGS:
    cargo run --locked --quiet --release --package watchkeeper-simulation --bin sim -- {{ SEED }} {{ ARGS }}

# As many seeds as fit into so many minutes.
sim-long MINUTES="10" *ARGS:
    cargo run --locked --quiet --release --package watchkeeper-simulation --bin sim -- --minutes {{ MINUTES }} {{ ARGS }}

# What has to pass before a change lands.
ci:
    .ci/run

# The same, and what takes longer.
ci-full:
    .ci/full

# What README and quick start tell a new user to type, as it stands there, in a clean copy; other documents may be named.
tour *FILES:
    scripts/tour.sh {{ FILES }}

# A terminal session of `status --watch` in two widths, into `docs/sessions`.
capture-status:
    scripts/capture-status.sh

# The daemon with each choice of stores: all of them compile without a warning.
features:
    scripts/features.sh

# Bans, licences and sources of all dependencies.
deny:
    .ci/deny.sh

# One pod with the in-memory store; other options or another command file may follow.
run *ARGS="--config config/examples/single.toml":
    cargo run --locked --package watchkeeper -- run {{ ARGS }}

# Three pods and mock model endpoints in one process; no network, no keys.
demo *ARGS:
    cargo run --locked --package watchkeeper -- demo {{ ARGS }}

# Every promised figure beside its limit or peer, with verdicts; `--list`, `--only NAME,..`, `--quick`.
bench *ARGS:
    cargo build --locked --release --package watchkeeper
    WATCHKEEPER_BIN="${CARGO_TARGET_DIR:-{{ justfile_directory() }}/target}/release/watchkeeper" cargo run --locked --release --package watchkeeper-bench -- {{ ARGS }}

# LiteLLM's pods and ours through the same scenarios, into `docs/comparison.md`, half an hour; `--list`, `--only NAME,..`.
compare *ARGS="--out docs/comparison.md":
    cargo build --locked --release --package watchkeeper
    WATCHKEEPER_BIN="${CARGO_TARGET_DIR:-{{ justfile_directory() }}/target}/release/watchkeeper" cargo run --locked --release --package watchkeeper-compare -- {{ ARGS }}

# The scenarios with unmodified LiteLLM pods that `just ci` leaves out.
test-litellm:
    scripts/test.sh litellm-full

# Feeds one target with inputs that coverage chooses; `cargo run -p watchkeeper-fuzz-targets` names the targets.
fuzz TARGET SECONDS="60" *ARGS:
    scripts/fuzz.sh {{ TARGET }} {{ SECONDS }} {{ ARGS }}

# The same for each target in turn.
fuzz-all SECONDS="60":
    scripts/fuzz.sh all {{ SECONDS }}

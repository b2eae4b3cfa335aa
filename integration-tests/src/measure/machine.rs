//! What the figures were taken on, and what this process has used.

use std::process::Command;

use serde::Serialize;

use super::Error;

/// What has to be known to read the figures.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    cores: usize,
    cpu: String,
    memory_mib: u64,
    kernel: String,
    /// Processes that ran or waited to, over the minute before the start: above 0.5 the figures are not worth much.
    load_before: f64,
    redis: String,
    rustc: String,
    /// The revision that was measured, with `-dirty` where files differ from it.
    revision: String,
    watchkeeper: &'static str,
}

impl Machine {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        let field = |path: &str, name: &str| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
            memory_mib: first(&memory).map_or(0, |kib: u64| kib / 1024),
            kernel: rustix::system::uname()
                .release()
                .to_string_lossy()
                .into_owned(),
            load_before: first(&load).unwrap_or(f64::NAN),
            redis: said_by(&redis_binary(), &["--version"]),
            rustc: said_by("rustc", &["--version"]),
            revision: said_by("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
            watchkeeper: env!("CARGO_PKG_VERSION"),
        }
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{} cores ({}), {} MiB, Linux {}, load before {:.2}; watchkeeper {} at {}; {}; {}",
            self.cores,
            self.cpu,
            self.memory_mib,
            self.kernel,
            self.load_before,
            self.watchkeeper,
            self.revision,
            self.redis,
            self.rustc
        )
    }
}

fn redis_binary() -> String {
    std::env::var("WATCHKEEPER_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}

fn first<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.split_whitespace().next()?.parse().ok()
}

/// The first line that a command prints; what cannot be run is said to be absent.
fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        _ => format!("no `{program}`"),
    };
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// CPU seconds that a process's threads have used, user and system, to the nanosecond: the scheduler's own count. Threads
/// that have ended are missing, and so are children.
pub fn cpu_seconds(pid: u32) -> Result<f64, Error> {
    let mut nanos = 0_u64;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may have ended since it was listed.
        if let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) {
            nanos += first::<u64>(&text).unwrap_or(0);
        }
    }
    Ok(nanos as f64 / 1e9)
}

/// Resident memory in MiB.
pub fn resident_mib(pid: u32) -> Result<f64, Error> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS: the process has ended")?;
    let kib: f64 = first(line).ok_or("VmRSS is no number")?;
    Ok(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_cpu_and_memory() {
        let id = std::process::id();
        assert!(cpu_seconds(id).unwrap() >= 0.0);
        assert!(resident_mib(id).unwrap() > 0.5);
    }
}

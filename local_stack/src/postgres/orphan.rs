//! What an earlier run left behind when it was killed: a Postgres that is still stopping, or the lock file of one that is gone.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::Error;

/// A fast shutdown writes a checkpoint; a large one takes its time.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(100);

/// Makes sure that no Postgres runs in `folder` and that no lock file keeps a new one from starting.
///
/// Postgres trusts a lock file when any process has the number in it, and numbers come round again, above all in containers.
/// So the process is looked at: only one whose working directory is the cluster is a Postgres of ours.
pub(crate) async fn clear(folder: &Path) -> Result<(), Error> {
    let lock = folder.join("postmaster.pid");
    let Some(pid) = read_pid(&lock) else { return Ok(()) };
    if runs_in(pid, folder) {
        // Its parent is gone, or we would not have the data directory's lock.
        signal(pid, Signal::SIGINT)?;
        if !ended(pid, folder).await {
            signal(pid, Signal::SIGQUIT)?;
            ended(pid, folder).await;
        }
    }
    match std::fs::remove_file(&lock) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::File { path: lock, source })
        }
        _ => Ok(()),
    }
}

fn read_pid(lock: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(lock).ok()?;
    let number: i32 = text.lines().next()?.trim().parse().ok()?;
    // Single-user mode writes its number negated.
    Some(Pid::from_raw(number.abs())).filter(|pid| pid.as_raw() > 1)
}

/// Without `/proc` (macOS) a process of that number is taken for ours.
fn runs_in(pid: Pid, folder: &Path) -> bool {
    if !Path::new("/proc/self").exists() {
        return kill(pid, None).is_ok();
    }
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd"));
    cwd.is_ok_and(|cwd| folder.canonicalize().is_ok_and(|folder| folder == cwd))
}

fn signal(pid: Pid, signal: Signal) -> Result<(), Error> {
    match kill(pid, signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(errno) => Err(Error::System {
            doing: "stopping the PostgreSQL of an earlier run",
            source: errno.into(),
        }),
    }
}

async fn ended(pid: Pid, folder: &Path) -> bool {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while tokio::time::Instant::now() < deadline {
        if !runs_in(pid, folder) {
            return true;
        }
        tokio::time::sleep(STEP).await;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lock_file_with_the_number_of_a_stranger_is_removed_and_the_stranger_lives() {
        let folder = tempfile::tempdir().unwrap();
        let mut stranger = std::process::Command::new("sleep")
            .arg("60")
            .current_dir("/")
            .spawn()
            .unwrap();
        let lock = folder.path().join("postmaster.pid");
        std::fs::write(&lock, format!("{}\n/somewhere\n", stranger.id())).unwrap();
        clear(folder.path()).await.unwrap();
        assert!(!lock.exists());
        assert!(stranger.try_wait().unwrap().is_none());
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[tokio::test]
    async fn process_that_runs_in_the_cluster_is_stopped() {
        let folder = tempfile::tempdir().unwrap();
        // A job that a script put into the background ignores interrupts, and so would its children.
        let mut orphan = std::process::Command::new("env")
            .args(["--default-signal=INT,QUIT", "sleep", "60"])
            .current_dir(folder.path())
            .spawn()
            .unwrap();
        // Until `env` has become `sleep` it may ignore the signal.
        let name = format!("/proc/{}/comm", orphan.id());
        while std::fs::read_to_string(&name).unwrap() != "sleep\n" {
            tokio::task::yield_now().await;
        }
        std::fs::write(folder.path().join("postmaster.pid"), format!("{}\n", orphan.id())).unwrap();
        let waiter = std::thread::spawn(move || orphan.wait().unwrap());
        clear(folder.path()).await.unwrap();
        assert!(!waiter.join().unwrap().success());
    }
}

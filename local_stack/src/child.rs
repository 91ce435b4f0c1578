//! A program of ours that runs until it is stopped, or until this process ends in whatever way.

use std::io;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

/// What a program is told when nobody tells it anything else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Farewell {
    /// When its handle is dropped.
    pub(crate) on_drop: Signal,
    /// When this process is gone. (On other systems than Linux it is told nothing.)
    pub(crate) on_our_death: Signal,
}

/// A running program.
///
/// A thread of its own starts it and waits for it. The operating system is asked to signal the program when that thread dies, and the
/// thread lives exactly as long as this process or the program does.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    pid: Pid,
    farewell: Farewell,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Starts it; `name` is for people.
    pub(crate) fn start(name: &'static str, mut command: Command, farewell: Farewell) -> io::Result<Self> {
        use std::os::unix::process::CommandExt as _;
        // Its own group: Ctrl-C in the terminal reaches this process, which stops things in their order.
        command.process_group(0);
        die_with_parent(&mut command, farewell.on_our_death);
        let (started_sender, started) = std::sync::mpsc::channel::<io::Result<u32>>();
        let (ended_sender, ended) = watch::channel(None);
        let body = move || keep(name, command, &started_sender, &ended_sender);
        std::thread::Builder::new()
            .name(format!("{name} keeper"))
            .spawn(body)?;
        let gone = |_| io::Error::other("its keeper ended early");
        let id = started.recv().map_err(gone)??;
        let pid = Pid::from_raw(i32::try_from(id).map_err(io::Error::other)?);
        Ok(Self {
            name,
            pid,
            farewell,
            ended,
        })
    }

    /// How it ended, when it has.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Waits for its end; `None` when nobody can tell how it ended.
    pub(crate) async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|status| *status)
    }

    /// Signals it. The keeper reaps it before it says that it ended, so the number is certainly still its own until then.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.status().is_some() {
            return;
        }
        if let Err(errno) = kill(self.pid, signal) {
            tracing::warn!(name = self.name, pid = self.pid.as_raw(), %errno, "could not signal a program");
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(self.farewell.on_drop);
    }
}

/// The status in words.
pub(crate) fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "no status".to_owned(),
    }
}

/// The keeper's thread.
fn keep(
    name: &'static str,
    mut command: Command,
    started: &std::sync::mpsc::Sender<io::Result<u32>>,
    ended: &watch::Sender<Option<ExitStatus>>,
) {
    let child = command.spawn();
    // It holds this process's ends of the program's pipes.
    drop(command);
    let told = match &child {
        Ok(child) => Ok(child.id()),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    };
    // Nobody listens any more when the start was given up.
    let is_wanted = started.send(told).is_ok();
    let Ok(mut child) = child else { return };
    if !is_wanted && let Err(error) = child.kill() {
        tracing::warn!(name, %error, "could not stop a program that nobody waits for");
    }
    match child.wait() {
        Ok(status) => {
            ended.send_replace(Some(status));
        }
        Err(error) => tracing::error!(name, %error, "could not wait for a program"),
    }
}

#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command, signal: Signal) {
    use std::os::unix::process::CommandExt as _;
    let parent = nix::unistd::getpid();
    let request = move || {
        nix::sys::prctl::set_pdeathsig(signal)?;
        // The parent may have died between the fork and the line above.
        if nix::unistd::getppid() != parent {
            return Err(io::Error::other("the parent is gone"));
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl and getppid are plain system calls, and
    // nothing is allocated on the path that succeeds.
    unsafe {
        command.pre_exec(request);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command, _signal: Signal) {}

#[cfg(test)]
mod tests {
    use super::*;

    const FAREWELL: Farewell = Farewell {
        on_drop: Signal::SIGTERM,
        on_our_death: Signal::SIGKILL,
    };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    #[tokio::test]
    async fn end_is_told_with_its_status() {
        let child = Child::start("sh", shell("exit 7"), FAREWELL).unwrap();
        assert_eq!(told(child.ended().await.unwrap()), "exit code 7");
        let child = Child::start("sh", shell("exec sleep 60"), FAREWELL).unwrap();
        assert!(child.status().is_none());
        child.signal(Signal::SIGKILL);
        assert_eq!(told(child.ended().await.unwrap()), "signal 9");
    }

    #[tokio::test]
    async fn dropped_handle_tells_the_program_to_end() {
        let child = Child::start("sh", shell("exec sleep 60"), FAREWELL).unwrap();
        let mut ended = child.ended.clone();
        drop(child);
        let status = ended.wait_for(Option::is_some).await.unwrap().unwrap();
        assert_eq!(told(status), "signal 15");
    }

    #[test]
    fn program_that_is_not_there_is_an_error() {
        assert!(Child::start("nothing", Command::new("/nonexistent/program"), FAREWELL).is_err());
    }
}

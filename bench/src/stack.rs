//! A local stack of our own, as a child process.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::database::project;
use crate::endpoints::Endpoints;
use crate::error::Error;

/// The stack's data, below the project.
const DATA: &str = ".parley/bench";

/// A running stack; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Stack {
    child: Child,
}

impl Stack {
    /// Starts a stack on free ports and waits until it is ready. Returns where it is too.
    pub(crate) async fn start(kernel: &str) -> Result<(Self, Endpoints), Error> {
        let project = project();
        let program = program()?;
        let data = project.join(DATA);
        std::fs::create_dir_all(&data).map_err(Error::file(&data))?;
        let ready = data.join("stack.env");
        let log = data.join("stack.log");
        let output = File::create(&log).map_err(Error::file(&log))?;
        let errors = output.try_clone().map_err(Error::file(&log))?;
        eprintln!("starting a local stack in {DATA}");
        let run = |command: &str| {
            let mut local_stack = Command::new(&program);
            local_stack
                .current_dir(&project)
                .arg(command)
                .env("PARLEY_DATA_DIR", DATA)
                .env("PARLEY_API_PORT", "0")
                .env("PARLEY_DB_PORT", "0")
                .env("PARLEY_KERNEL", kernel)
                // The suite webhooks starts one of its own; the others need none, and its jobs would be in their way.
                .env("PARLEY_WORKER", "off")
                // A suite that measures the worker starts one of its own.
                .env("PARLEY_WORKER", "off")
                // What is measured is how fast it is, not where it says stop.
                .env("PARLEY_REALTIME_MAX_EVENTS_PER_SECOND", "1000000")
                .stdin(Stdio::null());
            local_stack
        };
        // From empty, so that no run finds the leavings of another.
        run("reset")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(Error::file(&program))?;
        // A run that was killed leaves its file, with the address of nobody.
        if ready.exists() {
            std::fs::remove_file(&ready).map_err(Error::file(&ready))?;
        }
        let child = run("up")
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Error::file(&program))?;
        let mut stack = Self { child };
        loop {
            if let Some(endpoints) = Endpoints::read(&ready) {
                return Ok((stack, endpoints));
            }
            if !matches!(stack.child.try_wait(), Ok(None)) {
                return Err(Error::StackEnded { log });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asks the stack to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        self.interrupt();
        self.child.wait().map(drop).map_err(Error::file("local_stack"))
    }

    fn interrupt(&self) {
        if let Ok(pid) = i32::try_from(self.child.id())
            && let Err(errno) = kill(Pid::from_raw(pid), Signal::SIGTERM)
        {
            eprintln!("could not stop the local stack: {errno}");
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.interrupt();
        }
    }
}

/// Built beside this program, in the same profile.
fn program() -> Result<PathBuf, Error> {
    let here = std::env::current_exe().map_err(Error::file("parley_bench"))?;
    let program = here.with_file_name("local_stack");
    if program.exists() {
        Ok(program)
    } else {
        Err(Error::NoStack(program))
    }
}

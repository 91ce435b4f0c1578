//! Databases that hold both kernels.

use crate::error::Error;
use crate::migrations::kernel_migrations;
use crate::place::in_database;
use crate::session::Session;
use crate::settings::expected_kernel;

/// Runs a test in a new database that holds the kernel's migrations and the extension, as role postgres, who owns it.
///
/// Where the server has no extension there is nothing to compare with: the test then passes without having run, and says so, unless
/// the run asked for the native kernel.
///
/// # Errors
///
/// What the test returned, or why there was no database for it; [`Error::NoNativeKernel`].
pub fn with_both_kernels<E: From<Error>>(
    test: impl AsyncFnOnce(&mut Session) -> Result<(), E>,
) -> Result<(), E> {
    in_database(async |url| {
        let mut session = Session::open(url).await?;
        let is_there = "select count(*) from pg_available_extensions where name = 'parley'";
        if session.text(is_there).await? == "0" {
            if expected_kernel()?.as_deref() == Some("native") {
                return Err(Error::NoNativeKernel.into());
            }
            println!("not run: this server has no native kernel to compare with");
            return Ok(());
        }
        for migration in kernel_migrations()? {
            session.run(&migration).await?;
        }
        session
            .run("set client_min_messages = warning; create extension if not exists parley")
            .await?;
        test(&mut session).await
    })
}

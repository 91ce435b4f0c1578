//! Events: what identifies one that comes from Tavus, and how long claims are remembered. Each test has a database of its own, so that
//! it may forget what it likes.

mod retention;
mod tavus;

use parley_tests::{Error, Session, expected_kernel, in_database, kernel_migrations};

/// Runs a test in a new database that holds the kernel's migrations, on the kernel that the run asks for.
fn with_kernel(test: impl AsyncFnOnce(&str, &mut Session) -> Result<(), Error>) -> Result<(), Error> {
    in_database(async |url| {
        let mut session = Session::open(url).await?;
        for migration in kernel_migrations()? {
            session.run(&migration).await?;
        }
        if let Some(kernel) = expected_kernel()? {
            let switch = format!("select parley.use_native({})", kernel == "native");
            assert_eq!(session.text(&switch).await?, kernel);
        }
        test(url, &mut session).await
    })
}

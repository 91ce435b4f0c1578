//! A project of its own for each test, with the migrations that the test needs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use local_stack::{Config, Kernel, Stack};
use tempfile::TempDir;

/// A project folder; it is deleted with everything in it.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// With anonymous sign-in, the schemas `public` and `app` exposed, and one migration.
    pub fn new(migration: &str) -> Self {
        let folder = TempDir::with_prefix("local stack ").unwrap();
        // PostgreSQL may run as another user, who has to get in.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let project = Self { folder };
        std::fs::create_dir_all(project.path("supabase/migrations")).unwrap();
        let settings = "[api]\nschemas = [\"public\", \"app\"]\nmax_rows = 10\n\
            [auth]\nenable_anonymous_sign_ins = true\nrefresh_token_reuse_interval = 0\n";
        std::fs::write(project.path("supabase/config.toml"), settings).unwrap();
        project.write_migration("20260101000000_app.sql", migration);
        project
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write_migration(&self, name: &str, sql: &str) {
        std::fs::write(self.path("supabase/migrations").join(name), sql).unwrap();
    }

    pub fn config(&self) -> Config {
        let mut config = Config::new(self.folder.path(), self.path("data"));
        config.api_port = 0;
        config.db_port = 0;
        config.kernel = Kernel::Portable;
        config
    }

    pub async fn start(&self) -> Stack {
        Stack::start(self.config()).await.unwrap()
    }
}

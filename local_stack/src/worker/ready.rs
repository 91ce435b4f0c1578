//! Asking a worker whether it is ready.

use std::net::SocketAddr;
use std::time::Duration;

/// Between two questions.
const POLL: Duration = Duration::from_millis(50);

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Waits until `/readyz` says 200. It does not end otherwise.
pub(super) async fn wait(http: &reqwest::Client, address: SocketAddr) {
    let url = format!("http://{address}/readyz");
    loop {
        let answer = http.get(&url).timeout(TIMEOUT).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A client that asks this machine and nobody else, whatever proxy the environment names.
pub(super) fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
}

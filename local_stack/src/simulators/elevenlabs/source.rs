//! Where the file is: in the form, or behind a URL.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::listen::Listener;
use super::refusal::Refusal;

/// The real one's limits, in bytes.
const MOST_BY_URL: u64 = 2_000_000_000;

/// Fetches what a URL leads to, and listens to it.
pub(super) async fn fetch(client: &reqwest::Client, url: &str) -> Result<Listener, Refusal> {
    let broken = |text: String| Refusal::Source("invalid_source_url", text);
    let response = client
        .get(url)
        .timeout(Duration::from_secs(60))
        .send()
        .await
        .map_err(|error| broken(format!("The URL could not be fetched: {}", error.without_url())))?;
    if !response.status().is_success() {
        let status = response.status().as_u16();
        return Err(broken(format!("The URL answered with status {status}.")));
    }
    let mut listener = Listener::default();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| broken("The URL stopped answering.".to_owned()))?;
        listener.hear(&chunk);
        if listener.size() > MOST_BY_URL {
            return Err(Refusal::Source(
                "file_too_large",
                "The file must have less than 2 GB.".to_owned(),
            ));
        }
    }
    Ok(listener)
}

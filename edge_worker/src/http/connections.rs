//! The connections: each is a task, and none is held open for a peer that says or reads nothing.
//!
//! `axum::serve` has no such limits. A request whose head has arrived is limited by [`observe`](super::observe), its body among it.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

/// How long a connection is kept open for a peer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the end of an answer, or the beginning of the connection, to the end of the next request's head: also how long a connection may idle.
    /// Proxies keep theirs for up to a minute, and would lose requests on one that closes before them.
    pub head: Duration,
    /// As long as nothing at all of an answer is taken.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(75),
            write: Duration::from_secs(30),
        }
    }
}

/// After an error that is not of one connection: no file handle is left, for example.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Serves until `stopping`, then lets every request that has begun end.
pub async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken, patience: Patience) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head);
    let connections = GracefulShutdown::new();
    while let Some(stream) = next(&listener, &stopping).await {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(patience.write));
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service);
        // A connection that breaks is its peer's to notice.
        tokio::spawn(connections.watch(connection));
    }
    drop(listener);
    connections.shutdown().await;
}

/// The next connection; none when it is time to stop.
async fn next(listener: &TcpListener, stopping: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => return Some(stream),
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::select! {
                    () = stopping.cancelled() => return None,
                    () = tokio::time::sleep(AFTER_ERROR) => {}
                }
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::task::JoinHandle;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(600);

    /// A connection to a server of this patience, and the server.
    async fn connect(patience: Patience) -> (TcpStream, CancellationToken, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(async || "here"))
            .route("/large", get(async || vec![b'x'; 64 * 1024 * 1024]));
        let stopping = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, stopping.clone(), patience));
        (TcpStream::connect(address).await.unwrap(), stopping, serving)
    }

    /// All that comes until the server closes.
    async fn rest(mut stream: TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A close with unread input arrives as a reset.
        let _ = stream.read_to_end(&mut bytes).await;
        bytes
    }

    #[tokio::test]
    async fn half_a_head_is_not_held_open_for_ever() {
        let patience = Patience {
            head: SHORT,
            write: LONG,
        };
        let (mut stream, ..) = connect(patience).await;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
        rest(stream).await;
    }

    #[tokio::test]
    async fn connection_without_a_request_is_closed_and_so_is_one_without_another() {
        let patience = Patience {
            head: SHORT,
            write: LONG,
        };
        let (stream, ..) = connect(patience).await;
        assert_eq!(rest(stream).await, b"");
        let (mut stream, ..) = connect(patience).await;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let answer = String::from_utf8(rest(stream).await).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("here"),
            "{answer}"
        );
    }

    #[tokio::test]
    async fn peer_that_reads_nothing_of_its_answer_is_cut_off() {
        let patience = Patience {
            head: LONG,
            write: SHORT,
        };
        let (mut stream, stopping, serving) = connect(patience).await;
        stream
            .write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        // The answer has begun, so that the connection is in the middle of it.
        stream.readable().await.unwrap();
        stopping.cancel();
        serving.await.unwrap();
        assert!(rest(stream).await.len() < 64 * 1024 * 1024);
    }

    #[tokio::test]
    async fn stopping_ends_idle_connections_at_once_and_lets_requests_end() {
        let patience = Patience {
            head: LONG,
            write: LONG,
        };
        let (mut idle, stopping, serving) = connect(patience).await;
        idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut begun = [0; 15];
        idle.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200 OK");
        stopping.cancel();
        serving.await.unwrap();
        assert!(rest(idle).await.ends_with(b"here"));
    }
}

//! Answers that come before the body was read. The server would close the connection on a sender that is still at it, and that sender,
//! or the proxy in front, would see a broken connection and never the answer. So what is still sent is read on and thrown away.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt as _};

/// Beyond this a sender may as well learn it from a broken connection.
const MOST_BYTES: usize = 8 * super::body::LIMIT_BYTES;

/// A sender that is slower than that waits for nothing here.
const LONGEST: Duration = Duration::from_secs(5);

/// The middleware.
pub async fn drain(request: Request, next: Next) -> Response {
    // Who asks for leave first has sent nothing yet, and is answered instead.
    let asks_first = request.headers().contains_key(EXPECT);
    if asks_first || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let body = |body: Body| Body::from_stream(Rest(Some(body.into_data_stream())));
    next.run(request.map(body)).await
}

/// A body whose rest is read when nobody wants it any more.
struct Rest(Option<BodyDataStream>);

impl Stream for Rest {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let piece = std::task::ready!(stream.poll_next_unpin(context));
        if !matches!(piece, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(piece)
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let (Some(stream), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(LONGEST, read_on(stream)));
        }
    }
}

async fn read_on(mut stream: BodyDataStream) {
    let mut left = MOST_BYTES;
    while let Some(Ok(piece)) = stream.next().await {
        match left.checked_sub(piece.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A connection to a server that refuses `/refused` at once and counts `/counted`.
    async fn connect() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/refused", post(async || StatusCode::PAYLOAD_TOO_LARGE))
            .route(
                "/counted",
                post(async |body: Bytes| format!("{} bytes.", body.len())),
            )
            .layer(from_fn(drain));
        tokio::spawn(async move { axum::serve(listener, router).await });
        TcpStream::connect(address).await.unwrap()
    }

    fn head(path: &str, framing: &str) -> String {
        format!("POST {path} HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n")
    }

    /// What comes until it holds `end`, or until the connection ends.
    async fn answer(stream: &mut TcpStream, end: &str) -> String {
        let mut text = String::new();
        let mut piece = [0; 1024];
        while !text.contains(end) {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(length) => text.push_str(&String::from_utf8_lossy(&piece[..length])),
            }
        }
        text
    }

    #[tokio::test]
    async fn sender_that_sends_all_before_it_reads_sees_the_refusal_and_may_go_on() {
        let mut stream = connect().await;
        let large = vec![b'a'; 4 * 1024 * 1024];
        for _ in 0..3 {
            let framing = format!("content-length: {}", large.len());
            stream
                .write_all(head("/refused", &framing).as_bytes())
                .await
                .unwrap();
            stream.write_all(&large).await.unwrap();
            let refused = answer(&mut stream, "\r\n\r\n").await;
            assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");

            let framing = "transfer-encoding: chunked";
            stream
                .write_all(head("/refused", framing).as_bytes())
                .await
                .unwrap();
            for chunk in large.chunks(65536) {
                let size = format!("{:x}\r\n", chunk.len());
                stream.write_all(size.as_bytes()).await.unwrap();
                stream.write_all(chunk).await.unwrap();
                stream.write_all(b"\r\n").await.unwrap();
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
            let refused = answer(&mut stream, "\r\n\r\n").await;
            assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
        }
        let counted = head("/counted", "content-length: 3") + "abc";
        stream.write_all(counted.as_bytes()).await.unwrap();
        let counted = answer(&mut stream, "bytes.").await;
        assert!(counted.ends_with("3 bytes."), "{counted}");
    }

    #[tokio::test]
    async fn sender_without_end_is_cut_off() {
        let mut stream = connect().await;
        let framing = format!("content-length: {}", u64::MAX / 2);
        stream
            .write_all(head("/refused", &framing).as_bytes())
            .await
            .unwrap();
        let piece = vec![b'a'; 65536];
        let mut sent = 0_usize;
        while stream.write_all(&piece).await.is_ok() {
            sent += piece.len();
            assert!(sent < 16 * MOST_BYTES, "it reads on without end");
        }
    }

    #[tokio::test]
    async fn who_asks_for_leave_is_refused_without_being_told_to_send() {
        let mut stream = connect().await;
        let framing = "content-length: 9000000\r\nexpect: 100-continue";
        stream
            .write_all(head("/refused", framing).as_bytes())
            .await
            .unwrap();
        let refused = answer(&mut stream, "\r\n\r\n").await;
        assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    }
}

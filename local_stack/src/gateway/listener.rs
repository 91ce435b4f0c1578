//! Takes connections.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{self, IncomingStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How long to wait after a connection could not be taken, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(50);

/// Sends small writes at once: a frame of a socket must not wait until the one before it is acknowledged.
pub(super) struct Listener(pub(super) TcpListener);

impl serve::Listener for Listener {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection waits for acknowledgements");
                    }
                    return (Stream::new(stream), address);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection whose first line is mended. hyper refuses an address with `"`, `<`, `>` or a letter beyond ASCII in it, before any
/// handler sees it; PostgREST's server does not, and `curl` sends `select=data->>id` as it is typed, on a connection of its own. Clients
/// that keep a connection write such characters percent-encoded.
pub(super) struct Stream {
    inner: TcpStream,
    is_first_line: bool,
    /// Mended bytes that are not taken yet.
    mended: Vec<u8>,
}

impl Stream {
    fn new(inner: TcpStream) -> Self {
        Self {
            inner,
            is_first_line: true,
            mended: Vec::new(),
        }
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = self.mended.len().min(buffer.remaining());
        let given: Vec<u8> = self.mended.drain(..count).collect();
        buffer.put_slice(&given);
    }
}

/// Appends `bytes`, percent-encoded as far as they belong to the first line. Says whether the line goes on.
fn mend(bytes: &[u8], mended: &mut Vec<u8>) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut is_first_line = true;
    for byte in bytes {
        is_first_line &= *byte != b'\n';
        let is_refused = matches!(byte, b'"' | b'<' | b'>') || *byte >= 0x80;
        let digit = |place: u8| DIGITS.get(usize::from(place)).copied().unwrap_or(b'0');
        if is_first_line && is_refused {
            mended.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            mended.push(*byte);
        }
    }
    is_first_line
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.mended.is_empty() && this.is_first_line {
            let mut bytes = [0_u8; 4096];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut read))?;
            this.is_first_line = mend(read.filled(), &mut this.mended);
            this.give(buffer);
            return Poll::Ready(Ok(()));
        }
        if !this.mended.is_empty() {
            this.give(buffer);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(*stream.remote_addr())
    }
}

#[cfg(test)]
mod tests {
    use super::mend;

    #[test]
    fn first_line_is_mended_and_nothing_after_it() {
        let mut mended = Vec::new();
        assert!(mend("GET /t?select=data->>id&b=\"ü".as_bytes(), &mut mended));
        assert!(!mend(
            "\" HTTP/1.1\r\nx: \"<ü>\"\r\n\r\n<>".as_bytes(),
            &mut mended
        ));
        let expected = "GET /t?select=data-%3E%3Eid&b=%22%C3%BC%22 HTTP/1.1\r\nx: \"<ü>\"\r\n\r\n<>";
        assert_eq!(String::from_utf8(mended).unwrap(), expected);
    }
}

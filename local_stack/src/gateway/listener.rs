//! Takes connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{self, IncomingStream};
use postrust_server::lenient_uri::LenientStream;
use tokio::net::{TcpListener, TcpStream};

/// How long to wait after a connection could not be taken, for want of file descriptors for example.
const PAUSE: Duration = Duration::from_millis(50);

/// Mends request targets that PostgREST's own server accepts and hyper does not, and sends small writes at once: a frame of a
/// socket must not wait until the one before it is acknowledged.
pub(super) struct Listener(pub(super) TcpListener);

impl serve::Listener for Listener {
    type Io = LenientStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection waits for acknowledgements");
                    }
                    return (LenientStream::new(stream), address);
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

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(*stream.remote_addr())
    }
}

//! The worker's port, for as long as the stack runs: it is in `stack.env` and in callback addresses, so a worker that is started again
//! has to get the same one.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

use crate::error::Error;

/// A port of loopback. Nobody listens on it through this socket; it keeps the operating system from giving the number to a connection
/// of somebody else while the worker is down.
#[derive(Debug)]
pub(crate) struct Reservation {
    address: SocketAddr,
    /// Elsewhere than on Linux a bound socket would keep the worker itself from listening.
    #[cfg(target_os = "linux")]
    _socket: TcpSocket,
}

impl Reservation {
    /// Takes a port; 0 takes a free one.
    pub(crate) fn take(port: u16) -> Result<Self, Error> {
        let taken = || {
            let socket = TcpSocket::new_v4()?;
            // The worker's own socket asks for the same, and two that both do may be bound to one address while one of them listens.
            socket.set_reuseaddr(true)?;
            socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
            Ok((socket.local_addr()?, socket))
        };
        match taken() {
            Ok((address, _socket)) => Ok(Self {
                address,
                #[cfg(target_os = "linux")]
                _socket,
            }),
            Err(error) if std::io::Error::kind(&error) == std::io::ErrorKind::AddrInUse => {
                Err(Error::PortInUse {
                    port,
                    variable: "PARLEY_WORKER_PORT",
                })
            }
            Err(source) => Err(Error::System {
                doing: "binding the port of the worker",
                source,
            }),
        }
    }

    /// For `WORKER_LISTEN`.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn worker_may_listen_again_and_again_on_a_port_that_nobody_else_is_given() {
        let reservation = Reservation::take(0).unwrap();
        let address = reservation.address();
        for _ in 0..3 {
            assert!(TcpStream::connect(address).await.is_err());
            let listener = TcpListener::bind(address).await.unwrap();
            let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
            // Left open, as connections of a worker that was killed are.
            std::mem::forget((client.unwrap(), accepted.unwrap()));
        }
    }

    #[tokio::test]
    async fn port_of_somebody_who_listens_is_refused_by_its_variable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = Reservation::take(port).unwrap_err().to_string();
        assert!(
            text.contains("PARLEY_WORKER_PORT") && text.contains(&port.to_string()),
            "{text}"
        );
    }
}

//! HTTP connections that stay open.

use std::net::Ipv4Addr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::Error;

/// One connection of a sender.
#[derive(Debug)]
pub(crate) struct Wire {
    host: String,
    send: SendRequest<Full<Bytes>>,
}

impl Wire {
    /// To a server on the loopback interface.
    pub(crate) async fn open(port: u16) -> Result<Self, Error> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| Error::Server(format!("no connection to port {port}: {error}")))?;
        stream.set_nodelay(true).map_err(broken)?;
        let (send, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with its sender; what goes wrong is told to whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Self {
            host: format!("127.0.0.1:{port}"),
            send,
        })
    }

    /// Sends JSON, and reads the whole answer.
    pub(crate) async fn post(&mut self, path: &str, body: String) -> Result<StatusCode, Error> {
        Ok(self.ask(path, body).await?.0)
    }

    /// The same, and what the answer says.
    pub(crate) async fn ask(&mut self, path: &str, body: String) -> Result<(StatusCode, Bytes), Error> {
        let request = Request::post(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("user-agent", "parley_bench")
            .body(Full::from(body))
            .map_err(broken)?;
        self.send.ready().await.map_err(broken)?;
        let answer = self.send.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(broken)?;
        Ok((status, body.to_bytes()))
    }

    /// Asks for a page.
    pub(crate) async fn get(&mut self, path: &str) -> Result<StatusCode, Error> {
        let request = Request::get(path)
            .header("host", &self.host)
            .body(Full::default())
            .map_err(broken)?;
        let answer = self.send.send_request(request).await.map_err(broken)?;
        let status = answer.status();
        answer.into_body().collect().await.map_err(broken)?;
        Ok(status)
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Server(format!("a connection to a receiver broke: {error}"))
}

//! Storage and ElevenLabs without their time: they answer at once, the same to everybody, and whatever the path.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::embed::texts::Texts;
use crate::error::Error;

/// Both; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Provider {
    /// Without a slash at the end.
    pub(crate) url: String,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Answers {
    signed: Bytes,
    transcript: Bytes,
    document: Bytes,
}

impl Provider {
    /// With the transcript of the talk and with the document.
    pub(crate) async fn start(texts: &Texts) -> Result<Self, Error> {
        let failed = |error| Error::Server(format!("the provider did not start: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let signed = json!({ "signedURL": "/object/sign/demo-videos/talk.mp4?token=signed" });
        let answers = Arc::new(Answers {
            signed: signed.to_string().into(),
            transcript: texts.transcript().to_string().into(),
            document: texts.document.clone().into(),
        });
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answers = Arc::clone(&answers);
                let service = service_fn(move |request| answer(Arc::clone(&answers), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { url, listening })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn answer(
    answers: Arc<Answers>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    let (status, body) = if path.starts_with("/storage/v1/object/sign/") {
        (StatusCode::OK, &answers.signed)
    } else if path.starts_with("/storage/v1/object/authenticated/") {
        (StatusCode::OK, &answers.document)
    } else if path == "/v1/speech-to-text" {
        (StatusCode::OK, &answers.transcript)
    } else {
        (StatusCode::NOT_FOUND, &answers.signed)
    };
    // What is not read to its end would cost the connection. A sender that is gone hears nothing anyway.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::from(body.clone()));
    *response.status_mut() = status;
    Ok(response)
}

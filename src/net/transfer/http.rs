//! Files by HTTP: `PUT` and `GET`.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::{FILE_MAX, SILENCE, TransferError, connect};
use crate::net::stack::Stack;

/// Stores a file.
///
/// # Errors
/// [`TransferError`], with the server's status where it had one.
pub async fn store(
    stack: &Stack,
    to: SocketAddr,
    host: &str,
    path: &str,
    content: Vec<u8>,
) -> Result<(), TransferError> {
    exchange(stack, to, host, path, Method::PUT, content).await.map(|_| ())
}

/// Fetches a file.
///
/// # Errors
/// [`TransferError`], with the server's status where it had one.
pub async fn fetch(
    stack: &Stack,
    from: SocketAddr,
    host: &str,
    path: &str,
) -> Result<Vec<u8>, TransferError> {
    exchange(stack, from, host, path, Method::GET, Vec::new()).await
}

async fn exchange(
    stack: &Stack,
    to: SocketAddr,
    host: &str,
    path: &str,
    method: Method,
    content: Vec<u8>,
) -> Result<Vec<u8>, TransferError> {
    let stream = connect(stack, to).await?;
    let request = Request::builder()
        .method(method)
        .uri(format!("/{path}"))
        .header("host", host)
        .body(Full::new(Bytes::from(content)))
        .map_err(|_| TransferError::Nonsense)?;
    let broken = |_| TransferError::Broken;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = tokio::time::timeout(SILENCE, sender.send_request(request)).await;
    let answer = answer.map_err(|_| TransferError::Silent)?.map_err(broken)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(TransferError::Refused(format!("HTTP {status}")));
    }
    let body = tokio::time::timeout(SILENCE, Limited::new(answer.into_body(), FILE_MAX).collect());
    match body.await.map_err(|_| TransferError::Silent)? {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(TransferError::TooLong),
        Err(_) => Err(TransferError::Broken),
    }
}

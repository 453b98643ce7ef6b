//! The JSON API of a lab's authority, where one is asked for.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::control::Lab;
use crate::shell::authority::ServiceError;
use crate::shell::authority::api::{self, Access};
use crate::shell::authority::desk::Done;
use crate::shell::authority::operation::Operation;

/// Most operations on their way to the lab.
const WAITING_MAX: usize = 16;

/// A served API; it ends when this is dropped.
pub(super) struct Api {
    pub(super) address: SocketAddr,
    tasks: [AbortHandle; 2],
}

impl Drop for Api {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Serves the API on an address of this machine alone.
///
/// # Errors
/// A line for the operator.
pub(super) async fn serve(lab: &Lab, address: SocketAddr) -> Result<Api, String> {
    if !address.ip().is_loopback() {
        return Err(format!("--api {address}: a lab's API is for this machine: use 127.0.0.1"));
    }
    let say = |error: std::io::Error| format!("--api {address}: {error}; name another port");
    let listener = TcpListener::bind(address).await.map_err(say)?;
    let address = listener.local_addr().map_err(say)?;
    let (ask, mut asked) = mpsc::channel::<(Operation, oneshot::Sender<_>)>(WAITING_MAX);
    let lab = lab.clone();
    let answering = tokio::task::spawn_local(async move {
        while let Some((operation, answer)) = asked.recv().await {
            let lab = lab.clone();
            tokio::task::spawn_local(async move {
                // Whoever asked may have left.
                let _ = answer.send(lab.operate(operation).await);
            });
        }
    });
    let perform = move |operation| {
        let ask = ask.clone();
        async move { carry(&ask, operation).await }
    };
    let serving = tokio::spawn(api::serve(listener, Access::Loopback, perform));
    Ok(Api { address, tasks: [answering.abort_handle(), serving.abort_handle()] })
}

type Asking = mpsc::Sender<(Operation, oneshot::Sender<Result<Done, ServiceError>>)>;

/// Carries an operation to the lab's own thread, and what came of it back.
async fn carry(ask: &Asking, operation: Operation) -> Result<Done, ServiceError> {
    let (answer, answered) = oneshot::channel();
    let ended = || ServiceError::Lab("the lab is ending".to_owned());
    ask.send((operation, answer)).await.map_err(|_| ended())?;
    answered.await.map_err(|_| ended())?
}

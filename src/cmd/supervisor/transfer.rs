//! Copies to and from other hosts, and the archive for support.

use std::io::Write as _;
use std::net::SocketAddr;

use super::jobs::{Said, World};
use crate::base::time::Utc;
use crate::cli::job::{Family, Job, Support};
use crate::cli::transfer::{Direction, Scheme, Transfer};
use crate::net::transfer::{
    Login, TransferError, ftp_fetch, ftp_store, http_fetch, http_store, tftp_fetch, tftp_store,
};

impl World {
    /// Carries a file; says nothing where all went well, as the seed's does.
    pub(super) async fn transfer(&self, job: &Job) -> Result<(), String> {
        let Job::Transfer(transfer) = job else { return Ok(()) };
        let url = &transfer.url;
        let Some(address) = self.find(job, &url.host, Family::V4).await else { return Ok(()) };
        let to = SocketAddr::new(address, url.port);
        let failed = |error: TransferError| format!("{url}: {error}");
        match &transfer.direction {
            Direction::Up(from) => {
                let content = self.files.read(from).await?;
                self.store(transfer, to, content).await.map_err(failed)
            }
            Direction::Down(into) => {
                let content = self.fetch(transfer, to).await.map_err(failed)?;
                self.files.write(into, content).await
            }
        }
    }

    async fn store(
        &self,
        transfer: &Transfer,
        to: SocketAddr,
        content: Vec<u8>,
    ) -> Result<(), TransferError> {
        let Transfer { url, password, .. } = transfer;
        let login = Login { user: &url.user, password };
        match url.scheme {
            Scheme::Ftp => ftp_store(&self.stack, to, login, &url.path, &content).await,
            Scheme::Tftp => tftp_store(&self.stack, to, &url.path, &content).await,
            Scheme::Http => http_store(&self.stack, to, &url.host, &url.path, content).await,
        }
    }

    async fn fetch(&self, transfer: &Transfer, from: SocketAddr) -> Result<Vec<u8>, TransferError> {
        let Transfer { url, password, .. } = transfer;
        let login = Login { user: &url.user, password };
        match url.scheme {
            Scheme::Ftp => ftp_fetch(&self.stack, from, login, &url.path).await,
            Scheme::Tftp => tftp_fetch(&self.stack, from, &url.path).await,
            Scheme::Http => http_fetch(&self.stack, from, &url.host, &url.path).await,
        }
    }

    /// Packs the archive for support into the workspace.
    ///
    /// # Source
    /// Recall of the siblings.
    pub(super) async fn support(&self, support: Support) {
        let said = match pack(&support, self.clock.now().wall) {
            Ok(archive) => self.files.write(&support.file, archive).await,
            Err(error) => Err(format!("the archive can't be packed: {error}")),
        };
        let text = match said {
            Ok(()) => {
                let place = support.file.shown();
                let count = support.parts.len();
                format!(
                    "Completed initiating tech-support subsystem tasks (Total: {count})\n\
                     All tech-support subsystem tasks are completed (Total: {count}[received]/\
                     {count}[expected])\n\
                     The detailed tech-support information is located at {place}\n"
                )
            }
            Err(why) => format!("{why}\n"),
        };
        self.say(Said::Text(text)).await;
    }
}

/// Packs the parts into a compressed archive, one file each.
fn pack(support: &Support, at: Utc) -> std::io::Result<Vec<u8>> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut archive = tar::Builder::new(packed);
    for (name, text) in &support.parts {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(u64::try_from(at.unix_s()).unwrap_or(0));
        let name = format!("{}/{name}", support.folder);
        archive.append_data(&mut header, name, text.as_bytes())?;
    }
    let mut packed = archive.into_inner()?;
    packed.flush()?;
    packed.finish()
}

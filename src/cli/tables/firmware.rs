//! `scope firmware`: images.

use super::super::call::{Ask, Call};
use super::super::grammar::{Command, Need, Refusal};
use super::derive::Table;
use crate::base::platform::FXOS_RELEASE;
use crate::base::source::Source;
use crate::proto::config::Path;
use crate::proto::images::Download;
use crate::proto::mio::Mio;

const KICK: Source = Source::Client("firepower-kickstart kick/device2/ssp/actions/ssp.py");

/// `/firmware`.
pub(super) static FIRMWARE: Table = Table {
    class: "firmware",
    commands: &[Command {
        syntax: "download image URL:word(255)",
        help: &["Download", "An image", "ftp, http, https, scp, sftp, tftp or usbA URL"],
        source: KICK,
        run: download,
        need: Need::Operate,
        ..Command::READ
    }],
    scopes: &[&AUTO_INSTALL],
};

/// `/firmware/auto-install`.
static AUTO_INSTALL: Table = Table {
    class: "auto-install",
    commands: &[Command {
        syntax: "install platform platform-vers VERSION:word(64)",
        help: &["Install", "Platform package", "Version of the package", "Version"],
        source: KICK,
        run: install,
        need: Need::Operate,
        ..Command::READ
    }],
    ..Table::EMPTY
};

/// # Source
/// Client kick: refuses with `Invalid Value`, asks `Password:` for protocols with accounts. The line
/// that follows is a published capture's, reference 2.6.
fn download(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let download = Download::parse(call.args.text("URL"));
    let download = download.ok_or_else(|| Refusal::denied("Error: Invalid Value"))?;
    if download.asks_password() {
        call.ask(Ask::secret("Password: ", move |mio, call, _| {
            begin(mio, call, &download);
            Ok(())
        }));
    } else {
        begin(mio, call, &download);
    }
    Ok(())
}

fn begin(mio: &mut Mio, call: &mut Call<'_, Mio>, download: &Download) {
    mio.download(download);
    call.line(
        "Please use the command 'show download-task' or 'show download-task detail' to check \
         download progress.",
    );
}

/// # Source
/// Client kick: `Do you want to proceed ? (yes/no):`, and the line about no impact. The refusal of a
/// version without package is recall.
fn install(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let version = call.args.text("VERSION").to_owned();
    let objects = mio.config.objects();
    let firmware = Path::find(&[("firmware", &[])]).unwrap_or_default();
    let known = objects.children(&firmware, "package").iter().any(|package| {
        let label = package.class().properties.iter().find(|p| p.label == "Package-Vers");
        label.is_some_and(|property| objects.listed(package, property) == version)
    });
    if !known {
        return Err(Refusal::denied(format!(
            "Error: Update failed: [Platform package {version} is not in the image repository. \
             Download it first.]"
        )));
    }
    // Only the platform's own package is ever there, so there is nothing to restart for.
    debug_assert_eq!(version, FXOS_RELEASE);
    call.line(format!(
        "INFO: There is no service impact to install this FXOS platform software {version}"
    ));
    call.ask(Ask::line("Do you want to proceed ? (yes/no):", |_, _, _| Ok(())));
    Ok(())
}

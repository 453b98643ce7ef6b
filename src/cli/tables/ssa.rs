//! `scope ssa`: what is special about slots, applications and logical devices.

use super::super::call::Call;
use super::super::grammar::{Command, Refusal};
use super::derive::Table;
use super::{edit, top};
use crate::base::source::Source;
use crate::proto::config::schema::Verb as Way;
use crate::proto::mio::Mio;

const KICK: Source = Source::Client("firepower-kickstart kick/device2/ssp/actions/ssp.py");

/// `/ssa`.
pub(super) static SSA: Table = Table {
    class: "ssa",
    commands: &[Command {
        syntax: "show app-instance [{asa | ftd}] [detail] [expand]",
        help: &[
            "Show running system information",
            "Application instances",
            "ASA",
            "FTD",
            "Detail",
            "Expand",
        ],
        source: KICK,
        run: top::show_app_instance,
        ..Command::READ
    }],
    scopes: &[&APP],
};

/// `/ssa/app`.
static APP: Table = Table {
    class: "app",
    commands: &[Command {
        syntax: "set-default",
        help: &["Makes it the version that new instances start with"],
        source: KICK,
        run: set_default,
        ..Command::WRITE
    }],
    ..Table::EMPTY
};

/// Of one application, one version is the default.
fn set_default(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let path = edit::path_of(call.place)?;
    let parent = path.parent().unwrap_or_default();
    let siblings = edit::view(mio, call).children(&parent, "app");
    let pending = mio.pending.entry(call.login.session).or_default();
    for image in siblings.iter().filter(|image| image.name() == path.name()) {
        let on = *image == path;
        let set = pending.switch(&mio.config, image, (Way::Act, "set-default"), on);
        set.map_err(edit::refusal)?;
    }
    Ok(())
}

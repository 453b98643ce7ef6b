//! `scope monitoring`: callhome with its profiles.

use super::super::call::Call;
use super::super::grammar::{Command, Need, Refusal, Scope, Verb};
use super::super::show::callhome as listing;
use super::edit::{self, CLASS, set, switch};
use crate::base::source::Source;
use crate::proto::mio::Mio;

const EXPAND: Source = Source::Seed("FPR4125-1 /monitoring/callhome # show expand");
const SET: &str = "Set property values";

/// `/monitoring`.
pub(super) static MONITORING: Scope<Mio> = Scope {
    syntax: "monitoring",
    help: &["Monitoring"],
    source: Source::Seed("FPR4125-1# scope monitoring"),
    scopes: &[&CALLHOME],
    ..CLASS
};

/// `/monitoring/callhome`.
static CALLHOME: Scope<Mio> = Scope {
    syntax: "callhome",
    help: &["Callhome"],
    source: Source::Seed("FPR4125-1 /monitoring # scope callhome"),
    scopes: &[&PROFILE],
    need: Need::Operate,
    commands: &[
        set(
            "set http-proxy-server-enable {on | off}",
            &[SET, "HTTP proxy", "On", "Off"],
            Source::Recall,
        ),
        set(
            "set http-proxy-server-url HOST:host",
            &[SET, "HTTP proxy", "Name or address"],
            Source::Recall,
        ),
        set(
            "set http-proxy-server-port PORT:1-65535",
            &[SET, "HTTP proxy port", "Port"],
            Source::Recall,
        ),
        switch("{enable | disable}", &["Enable", "Disable"], Source::Recall),
        Command {
            syntax: "show [detail] [expand]",
            help: &["Show running system information", "Detail", "Expand"],
            source: EXPAND,
            run: show,
            ..Command::READ
        },
    ],
    ..CLASS
};

static PROFILE: Scope<Mio> = Scope {
    syntax: "profile NAME:name(16)",
    help: &["Destination profile", "Name"],
    verbs: Verb::ALL,
    need: Need::Operate,
    source: EXPAND,
    scopes: &[&DESTINATION],
    ..CLASS
};

static DESTINATION: Scope<Mio> = Scope {
    syntax: "destination NAME:word(64)",
    help: &["Destination", "Name"],
    verbs: Verb::ALL,
    need: Need::Operate,
    source: EXPAND,
    commands: &[
        set("set address URL:word(255)", &[SET, "Address", "URL"], Source::Recall),
        set(
            "set protocol {email | http | https}",
            &[SET, "Transport protocol", "Email", "HTTP", "HTTPS"],
            Source::Recall,
        ),
    ],
    ..CLASS
};

fn show(mio: &mut Mio, call: &mut Call<'_, Mio>) -> Result<(), Refusal> {
    let form = listing::Form { expand: call.args.has("expand"), detail: call.args.has("detail") };
    let text = listing::callhome(edit::view(mio, call), form);
    call.out.push_str(&text);
    Ok(())
}

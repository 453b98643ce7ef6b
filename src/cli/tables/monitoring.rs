//! `scope monitoring`: what is special about it.

use super::super::grammar::Command;
use super::super::show::monitoring as listing;
use super::derive::Table;
use super::edit;
use crate::base::source::Source;

/// `/monitoring`.
pub(super) static MONITORING: Table = Table {
    class: "monitoring",
    commands: &[Command {
        syntax: "show syslog",
        help: &["Show running system information", "System log"],
        source: Source::Recall,
        run: |mio, call| {
            let text = listing::syslog(edit::view(mio, call));
            call.out.push_str(&text);
            Ok(())
        },
        ..Command::READ
    }],
    ..Table::EMPTY
};
